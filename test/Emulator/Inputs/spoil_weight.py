"""spoil_weight.py FILE TENSOR: moves every element of a tensor of a safetensors file one place on."""
import json
import struct
import sys

path, name = sys.argv[1:]
with open(path, "rb") as file:
    data = bytearray(file.read())
size = struct.unpack("<Q", data[:8])[0]
begin, end = (8 + size + offset for offset in json.loads(data[8 : 8 + size])[name]["data_offsets"])
data[begin:end] = data[begin + 2 : end] + data[begin : begin + 2]
with open(path, "wb") as file:
    file.write(data)
