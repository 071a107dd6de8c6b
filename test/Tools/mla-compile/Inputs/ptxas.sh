#!/bin/sh
# Stands in for the assembler: writes its arguments where it should write code.
for last; do :; done
echo "$@" > "$last"
