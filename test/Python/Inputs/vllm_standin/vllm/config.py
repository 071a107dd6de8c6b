"""Stands for vllm.config: the configuration of the engine that is being made."""
import types

current = types.SimpleNamespace(lora_config=None)


def get_current_vllm_config():
    return current
