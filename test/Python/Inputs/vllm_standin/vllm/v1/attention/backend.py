"""Stands for vllm.v1.attention.backend of vLLM 0.33: the names that a backend uses."""
import enum


class AttentionType(str, enum.Enum):
    DECODER = "decoder"
    ENCODER = "encoder"


class AttentionCGSupport(enum.Enum):
    ALWAYS = 3
    UNIFORM_BATCH = 2
    NEVER = 0
