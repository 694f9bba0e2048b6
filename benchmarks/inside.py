"""Runs a part of the benchmark that needs the portal's code: ``python -m benchmarks.inside NAME``."""

import importlib
import sys

import django

if __name__ == "__main__":
    # Models can be imported only after django.setup().
    django.setup()
    importlib.import_module(f"benchmarks.{sys.argv[1]}").main()
