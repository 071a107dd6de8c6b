"""spoil_weight.py FILE TENSOR: swaps the halves of a tensor of a safetensors file, in place."""
import json
import struct
import sys

path, name = sys.argv[1:]
with open(path, "rb") as file:
    data = bytearray(file.read())
size = struct.unpack("<Q", data[:8])[0]
begin, end = (8 + size + offset for offset in json.loads(data[8 : 8 + size])[name]["data_offsets"])
half = (end - begin) // 2
data[begin:end] = data[begin + half : end] + data[begin : begin + half]
with open(path, "wb") as file:
    file.write(data)
