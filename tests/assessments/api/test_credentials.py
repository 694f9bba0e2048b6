"""Authentication of calls: the verification key, over HTTP Basic (``docs/protocol.md``, "Ashby calls the
portal")."""

import base64
from typing import Any

import pytest

from assessments.models import InboundRequest
from integrations.connections.connect import connect
from integrations.encryption.secrets import Secret
from tests.fixtures.world import Tenant, World, basic

LIST = "/ashby/assessment.list"


def offered(world: World, **how: Any) -> list[str]:
    """The package ids that the portal lists to a caller with these credentials."""
    answer = world.call(LIST, {}, **how)
    assert answer.status_code == 200, answer.content
    return [str(one["assessment_type_id"]) for one in answer.json()["results"]]


def packages_of(tenant: Tenant) -> list[str]:
    return [str(package.assessment_type_id) for package in (tenant.basic, tenant.executive)]


@pytest.mark.parametrize(
    "credentials",
    [
        "{key}:",
        ":{key}",
        "{key}",
        "{key}:x",
        "x:{key}",
        "{key}:{key}",
        " {key} :",
        ": {key} ",
        "{key}\n:",
        "\t{key}:\r\n",
    ],
)
def test_the_key_is_accepted_as_user_name_or_password_with_stray_blanks(
    world: World, credentials: str
) -> None:
    """Ashby's form may have added anything to the pasted key."""
    text = credentials.format(key=world.acme.verification_key)
    header = "Basic " + base64.b64encode(text.encode()).decode()
    assert offered(world, HTTP_AUTHORIZATION=header) == packages_of(world.acme)


@pytest.mark.parametrize("form", ["basic {}", "BASIC {}", "Basic   {}", " Basic {} "])
def test_the_scheme_is_parsed_leniently(world: World, form: str) -> None:
    encoded = basic(world.acme.verification_key).removeprefix("Basic ")
    assert offered(world, HTTP_AUTHORIZATION=form.format(encoded)) == packages_of(world.acme)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic :",
        "Basic Og==",  # ":"
        "Basic IDog",  # " : "
        "Basic %%%",
        "Basic YQ",  # no padding
        "Basic a b c",
        "Basic \xe9\xff",
        "Bearer verify-acme-0123456789",
        "Digest username=verify-acme-0123456789",
        "verify-acme-0123456789",
        "," * 5000,
    ],
)
def test_unreadable_credentials_are_answered_with_a_challenge(world: World, header: str) -> None:
    for path in (LIST, "/ashby/assessment.start", "/justifacts/assessment.update"):
        answer = world.call(path, world.start_body(), HTTP_AUTHORIZATION=header)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert world.error(answer) == "not_authenticated"
    assert world.row_counts() == (0, 0, 0)


def test_a_missing_authorization_header_is_answered_with_a_challenge(world: World) -> None:
    answer = world.call(LIST, {}, key="")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "key", ["no-such-key", "VERIFY-ACME-0123456789", "verify-acme-012345678", "\x00", "ключ", "k" * 10_000]
)
def test_an_unknown_key_is_refused(world: World, key: str) -> None:
    answer = world.call("/ashby/assessment.start", world.start_body(), key=key)
    assert (answer.status_code, world.error(answer)) == (403, "invalid_api_key")
    assert world.row_counts() == (0, 0, 0)
    assert not InboundRequest.objects.exists()


def test_bytes_that_are_not_text_are_an_unknown_key(world: World) -> None:
    header = "Basic " + base64.b64encode(b"\xff\xfe\x00:\xc3\x28").decode()
    assert world.call(LIST, {}, HTTP_AUTHORIZATION=header).status_code == 403


def test_the_ashby_api_key_does_not_authenticate(world: World) -> None:
    assert world.call(LIST, {}, key=world.acme.ashby_key).status_code == 403


def test_a_previous_key_works_until_it_is_removed(world: World) -> None:
    connect("Acme", slug="acme", verification_key="a-new-key-for-acme")
    assert world.call(LIST, {}).status_code == 200
    world.acme.organization.previous_verification_keys.all().delete()
    assert world.call(LIST, {}).status_code == 403
    assert world.call(LIST, {}, key="a-new-key-for-acme").status_code == 200


def test_a_disabled_organization_is_refused_and_the_reason_recorded(world: World) -> None:
    world.acme.connection.is_enabled = False
    world.acme.connection.save()
    for name in ("list", "start", "cancel", "customField.list", "unknown"):
        answer = world.call(f"/ashby/assessment.{name}", world.start_body())
        assert (answer.status_code, world.error(answer)) == (403, "organization_disabled")
        kept = InboundRequest.objects.get(request_id=answer.json()["errorInfo"]["requestId"])
        assert (kept.organization, kept.http_status) == (world.acme.organization, 403)
        assert kept.outcome == "organization_disabled"
    assert world.call("/justifacts/assessment.update", {}).status_code == 403
    assert world.row_counts() == (0, 0, 0)


def test_disabling_one_organization_does_not_affect_another(world: World) -> None:
    world.acme.connection.is_enabled = False
    world.acme.connection.save()
    assert offered(world, key=world.globex.verification_key) == packages_of(world.globex)


def test_a_key_with_a_colon_authenticates(world: World) -> None:
    """Basic splits at the first colon; a colon in the key is no separator."""
    connection = world.acme.connection
    connection.verification_key = Secret("verify:acme:0123456789")
    connection.save()
    assert offered(world, key="verify:acme:0123456789") == packages_of(world.acme)
