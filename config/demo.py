"""Connects the demo's organization to the sandbox, says what to click, and stays:
``python -m config.demo``."""

import os

import django
from django.apps import apps
from django.contrib.auth.hashers import make_password

from config.wait_ready import stay, wait_for

from . import env

_SANDBOX = f"http://localhost:{env.SANDBOX_PORT}"
_BANNER = """
  Everything answers. Open these in a browser:

    The stand-in Ashby       {sandbox}/ashby/acme/
    The stand-in Justifacts  {sandbox}/justifacts/acme/
    The portal               {portal}

  Sign in to the portal as admin (runs it), support (helps every organization) or globex (sets up the
  organization Globex); the password of all three is {password}

  Click first: in the stand-in Ashby choose a candidate, choose a package, press Start Assessment,
  and watch the card: Justifacts Received, Applicant Started, In Process: Justifacts, Complete.
  Then open the report there, and the order with its history in the portal, under Orders.
  Or connect an organization yourself: sign in as globex and follow the set-up page. Globex's Ashby is
  {sandbox}/ashby/globex/settings, the e-mail with its key {sandbox}/justifacts/globex/

  Ctrl-C ends everything; `make demo` goes on with the same data; `make demo-reset` forgets it.
"""


def main() -> None:
    wait_for(f"{_SANDBOX}/control/health")
    wait_for(f"http://127.0.0.1:{env.PORT}/health/ready")
    _connect()
    password = env.demo_secret("password")[:12]
    _people(password)
    print(
        _BANNER.format(sandbox=_SANDBOX, portal=env.PORTAL_BASE_URL, admin=env.ADMIN_PATH, password=password),
        flush=True,
    )
    stay()


def _connect() -> None:
    from integrations.catalog import sync  # models can be imported once Django is set up
    from integrations.connections import (
        check,  # models can be imported once Django is set up
        connect,  # models can be imported once Django is set up
    )

    connection = connect.connect(
        "Acme",
        slug="acme",
        verification_key=env.demo_secret("verification key"),
        ashby_key=env.demo_secret("ashby key"),
        staging_base_url=env.JUSTIFACTS_BASE_URL,
    )
    sync.sync_packages(connection)
    sync.sync_jobs(connection)
    check.check(connection)
    if not apps.get_model("integrations", "Organization").objects.filter(slug="globex").exists():
        connect.connect("Globex", slug="globex", staging_base_url=env.JUSTIFACTS_BASE_URL)


def _people(password: str) -> None:
    """One person of each role."""
    users, groups = apps.get_model("auth", "User").objects, apps.get_model("auth", "Group").objects
    made = {}
    for name in ("admin", "support", "globex"):
        known = {"password": make_password(password), "is_staff": True, "email": f"{name}@example.com"}
        made[name], _new = users.update_or_create(
            username=name, defaults=known | {"is_superuser": name == "admin"}
        )
    made["support"].groups.set([groups.get(name="support")])
    apps.get_model("integrations", "Membership").objects.get_or_create(
        user=made["globex"],
        organization=apps.get_model("integrations", "Organization").objects.get(slug="globex"),
        defaults={"role": "org admin", "added_by": "the demo"},
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main()
