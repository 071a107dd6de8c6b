"""Checks what text.py of docs/decoder.md printed: check_text.py OUTPUT PROMPTS"""
import pathlib
import re
import sys

# Texts may hold any character, tokens are printed as literals.
text = pathlib.Path(sys.argv[1]).read_bytes().decode()
count = int(sys.argv[2])
streamed = list(re.finditer(r"^(\d+) (['\"].*['\"]) ?(stop|length|)$", text, re.MULTILINE))
texts = text[: streamed[0].start()]
assert texts.startswith("ab") and "\na longer prompt" in texts and "\nc" in texts, texts
made = {}
for line in streamed:
    assert not made.get(line[1], [""])[-1], f"{line[0]} follows the end"
    made.setdefault(line[1], []).append(line[3])
assert sorted(made) == [str(i) for i in range(count)], made
for finishes in made.values():
    assert finishes[-1] and (finishes[-1] == "stop" or len(finishes) == 32), finishes
# The third joins when one of the others has ended.
order = [line[1] for line in streamed]
assert any(line[3] for line in streamed[: order.index("2")])
print("texts and their tokens")
