"""The same as decode_module.py, on a cache in fp8_row."""
import decode_module

CACHE = "fp8_row"
NAME = CACHE


def supports(case):
    return decode_module.find(case, CACHE) is not None


def prepare(case, q, kv, table, lens, scale):
    return decode_module.call(case, CACHE, q, kv, table, lens, scale)
