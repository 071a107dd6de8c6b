"""rename-tensors.py FROM TO OLD NEW…: writes the safetensors file FROM with parts OLD of names of tensors replaced by NEW."""
import sys

from safetensors_file import read, write

source, target, *words = sys.argv[1:]
tensors, metadata = read(source)


def renamed(name):
    for old, new in zip(words[::2], words[1::2]):
        name = name.replace(old, new)
    return name


write(target, {renamed(name): tensor for name, tensor in tensors.items()}, metadata)
