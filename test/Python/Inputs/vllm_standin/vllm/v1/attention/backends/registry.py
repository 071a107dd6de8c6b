"""Stands for vllm.v1.attention.backends.registry of vLLM 0.33."""
import enum
import importlib

_paths = {}


class AttentionBackendEnum(enum.Enum):
    FLASHMLA = "of.vllm.itself"
    CUSTOM = None

    def is_overridden(self):
        return self in _paths

    def get_class(self):
        module, _, name = _paths[self].rpartition(".")
        return getattr(importlib.import_module(module), name)


def register_backend(backend, class_path=None):
    _paths[backend] = class_path
