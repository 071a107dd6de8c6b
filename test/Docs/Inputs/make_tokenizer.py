"""Adds a tokenizer of bytes to a checkpoint: make_tokenizer.py DIR EOS. The end of a text is token EOS, above the bytes."""
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

letters = sorted(pre_tokenizers.ByteLevel.alphabet())
others = [f"<{i}>" for i in range(len(letters), int(sys.argv[2]))]
vocabulary = {letter: i for i, letter in enumerate([*letters, *others, "<end>"])}
tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(sys.argv[1])
