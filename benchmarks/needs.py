"""Requirements of benchmarks. If one is missing, exit with an error that says what to do."""
import importlib, pathlib, sys


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        sys.exit(f"error: {name}: cannot be imported ({error}); install it for {sys.executable}")


def program(path):
    path = pathlib.Path(path)
    if not path.is_file():
        sys.exit(f"error: {path}: no such program; build it (cmake --build BUILD --target {path.name}) or give another path")
    return path
