"""Fills the configured database."""

import argparse
import os
import time

import django

from . import fill

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.crowd", description=__doc__)
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--organizations", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    began = time.monotonic()
    fill(options.orders, organizations=options.organizations, seed=options.seed)
    print(f"{options.orders} orders in {time.monotonic() - began:.1f} s")
