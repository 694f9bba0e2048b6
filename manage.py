#!/usr/bin/env python
"""Django's command line."""

import os
import sys

import django
from django.core.management import ManagementUtility

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    utility = ManagementUtility(sys.argv)
    if sys.argv[1:2] == ["version"]:
        # Django would print its own version before it looks for a command of this name.
        django.setup()
        utility.fetch_command("version").run_from_argv(sys.argv)
    else:
        utility.execute()
