"""Fills the configured database, or the one at the given URL."""

import argparse
import os

import django

from benchmarks.fill import fill


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fill", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--organizations", type=int, default=12)
    parser.add_argument("--database", default="", help="a URL; default: DATABASE_URL")
    parser.add_argument("--unless-filled", action="store_true", help="do nothing if there are orders")
    options = parser.parse_args()
    if options.database:
        os.environ["DATABASE_URL"] = options.database
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    # Models can be imported only after django.setup().
    from django.core.management import call_command

    from assessments.models import Order

    call_command("migrate", verbosity=0)
    if not (options.unless_filled and Order.objects.exists()):
        fill(options.orders, options.organizations)


if __name__ == "__main__":
    main()
