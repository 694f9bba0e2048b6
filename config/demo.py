"""Sets up the demo's data, prints what to try, and waits for the end: ``python -m config.demo``."""

import os

import django
from django.apps import apps
from django.contrib.auth.hashers import make_password

from config.wait_ready import wait_for, wait_for_signal

from . import env

_SANDBOX = f"http://localhost:{env.SANDBOX_PORT}"
_BANNER = """
  The demo is ready. Open these pages in a browser:

    The stand-in Ashby       {sandbox}/ashby/acme/
    The stand-in Justifacts  {sandbox}/justifacts/acme/
    The portal               {portal}

  Sign in to the portal as admin (operator), support (helps all organizations) or globex (admin of the
  organization Globex). The password of all three is {password}

  Click first: in the stand-in Ashby choose a candidate and a package, and press Start Assessment. Watch the
  card: Justifacts Received, Applicant Started, In Process: Justifacts, Complete. Then open the report on the
  card, and the order with its history in the portal, under Orders.
  Or connect an organization yourself: sign in as globex and follow the set-up page. Globex's settings in
  Ashby are at {sandbox}/ashby/globex/settings, the e-mail with its key at {sandbox}/justifacts/globex/

  Ctrl-C stops everything. `make demo` continues with the same data; `make demo-reset` deletes it.
"""


def main() -> None:
    wait_for(f"{_SANDBOX}/control/health")
    wait_for(f"http://127.0.0.1:{env.PORT}/health/status")
    _connect()
    password = env.demo_secret("password")[:12]
    _create_users(password)
    print(
        _BANNER.format(sandbox=_SANDBOX, portal=env.PORTAL_BASE_URL, admin=env.ADMIN_PATH, password=password),
        flush=True,
    )
    wait_for_signal()


def _connect() -> None:
    # Models can be imported only after django.setup().
    from integrations.catalog import sync
    from integrations.connections import check, connect

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


def _create_users(password: str) -> None:
    users, groups = apps.get_model("auth", "User").objects, apps.get_model("auth", "Group").objects
    by_name = {}
    for name in ("admin", "support", "globex"):
        fields = {"password": make_password(password), "is_staff": True, "email": f"{name}@example.com"}
        by_name[name], _created = users.update_or_create(
            username=name, defaults=fields | {"is_superuser": name == "admin"}
        )
    by_name["support"].groups.set([groups.get(name="support")])
    apps.get_model("integrations", "Membership").objects.get_or_create(
        user=by_name["globex"],
        organization=apps.get_model("integrations", "Organization").objects.get(slug="globex"),
        defaults={"role": "org admin", "added_by": "the demo"},
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main()
