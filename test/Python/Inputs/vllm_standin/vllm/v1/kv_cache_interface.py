"""Stands for vllm.v1.kv_cache_interface of vLLM 0.33."""
import enum


class KVCacheLayout(enum.Enum):
    """The order in memory of layers, blocks, heads, tokens (N) and the content of a row."""

    LBHNC = (0, 1, 2, 3, 4)
    LBNHC = (0, 1, 3, 2, 4)
    LHBNC = (0, 2, 1, 3, 4)
    BLHNC = (1, 0, 2, 3, 4)
    BLNHC = (1, 0, 3, 2, 4)
    BHLNC = (1, 2, 0, 3, 4)
