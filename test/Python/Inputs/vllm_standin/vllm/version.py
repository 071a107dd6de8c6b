"""Stands for vllm.version."""
__version__ = "0.33.0"
