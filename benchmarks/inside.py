"""Runs one of the benchmark's parts that need the portal's own code: ``python -m benchmarks.inside NAME``."""

import importlib
import sys

import django

if __name__ == "__main__":
    # Models can be imported once Django is set up, so the part itself comes after that.
    django.setup()
    importlib.import_module(f"benchmarks.{sys.argv[1]}").main()
