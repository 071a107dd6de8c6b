#!/usr/bin/env python3
"""validate.py SCHEMA FILE...: validates JSON files; prints one line per error and exits with 1 if there is any."""
import json
import sys

import jsonschema


def faults(schema, path):
    validator = jsonschema.Draft7Validator(schema)
    with open(path) as file:
        for error in validator.iter_errors(json.load(file)):
            yield f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def main():
    with open(sys.argv[1]) as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    found = [fault for path in sys.argv[2:] for fault in faults(schema, path)]
    print("\n".join(found) or f"{len(sys.argv) - 2} valid")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
