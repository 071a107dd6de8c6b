"""golden-ids.py MODEL KEY: prints golden.N.prompt or golden.N.tokens as mla-run does."""
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors_file  # noqa: E402

tensors, _ = safetensors_file.read(sys.argv[1])
_, (count,), data = tensors[sys.argv[2]]
print(",".join(str(number) for number in struct.unpack(f"<{count}i", data)))
