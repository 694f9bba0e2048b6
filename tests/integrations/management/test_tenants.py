"""Nothing of one organization reaches another by a command: each says what it is about, so that a new one is
not forgotten (all else: tests/integrations/accounts/test_tenants.py)."""

import io
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command, get_commands, load_command_class

from tests.fixtures.companies import Company
from tests.fixtures.two_tenants import OF_ORDERS, OF_SETTINGS, TwoTenants
from tests.fixtures.world import World

#: Commands are the operator's, who may see every organization. What each is about.
OF_THE_PORTAL = "the portal as a whole"
OF_ONE = "the organization of its slug, or that of the order"
COMMANDS = {
    "after_restore": OF_THE_PORTAL,
    "backup": OF_THE_PORTAL,
    "migrate": OF_THE_PORTAL,
    "replace_secret_key": OF_THE_PORTAL,
    "reset_two_factor": OF_THE_PORTAL,
    "rotate_encryption_keys": OF_THE_PORTAL,
    "version": OF_THE_PORTAL,
    "recover_after_restore": OF_THE_PORTAL,
    "connect_org": OF_ONE,
    "erase_candidate": OF_ONE,
    "forget": OF_ONE,
    "check_connection": OF_ONE,
    "sync_packages": OF_ONE,
    "sync_jobs": OF_ONE,
    "map_job": OF_ONE,
    "set_default_package": OF_ONE,
    "order": OF_ONE,
    "orders": OF_ONE,
    "reconcile": OF_ONE,
    "retry": OF_ONE,
    "verify_audit": OF_ONE,
}
WORDS = [*OF_ORDERS, *OF_SETTINGS]


@pytest.fixture
def world(two_tenants: TwoTenants) -> World:
    return two_tenants.world


def commands() -> Iterator[tuple[str, str]]:
    ours = {config.name for config in apps.get_app_configs()} & {"integrations", "assessments"}
    yield from ((name, app) for name, app in get_commands().items() if app in ours)


def test_every_command_says_what_it_is_about() -> None:
    assert {name for name, _app in commands()} == set(COMMANDS), (
        "A new command: say in COMMANDS what it is about."
    )
    for name, app in commands():
        parser = load_command_class(app, name).create_parser("manage.py", name)
        takes = {action.dest for action in parser._actions} & {"slug", "uuid", "org"}
        assert bool(takes) == (COMMANDS[name] == OF_ONE), (
            f"{name} takes {takes or 'no organization'}, and COMMANDS says “{COMMANDS[name]}”."
        )


def test_a_command_about_one_organization_says_nothing_of_the_other(own: Company, strange: Company) -> None:
    before = strange.state()
    order, slug = str(own.rows["order"].pk), own.organization.slug
    for name, *arguments in (
        ("orders", "--org", slug),
        ("orders", "--org", slug, "--json"),
        ("order", order),
        ("order", order, "--json"),
        ("retry", order),
        ("set_default_package", slug, str(own.tenant.executive.assessment_type_id)),
        ("map_job", slug, "j-bea", str(own.tenant.executive.assessment_type_id)),
        ("verify_audit", slug),
        ("forget", slug, "Strangeman@x.test"),
        ("forget", slug, "Strangeman@x.test", "--dry-run"),
    ):
        said = io.StringIO()
        call_command(name, *arguments, stdout=said)
        assert not [text for text in WORDS if text in said.getvalue()], name
    assert strange.state() == before


@pytest.mark.parametrize("named_by", ["assessment_type_id", "justifacts_id", "name"])
def test_a_command_takes_no_strangers_package(own: Company, strange: Company, named_by: str) -> None:
    package = str(getattr(strange.rows["package"], named_by))
    for arguments in (("map_job", "acme", "j-bea", package), ("set_default_package", "acme", package)):
        with pytest.raises(CommandError) as refusal:
            call_command(*arguments)
        assert "Globex" not in str(refusal.value)
