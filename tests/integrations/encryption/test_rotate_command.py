"""An operator changes the key under which everything is encrypted, while the portal runs."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection as database

from assessments import recovery, search
from assessments.models import Order
from integrations.connections.api_keys import find_by_verification_key
from integrations.encryption import rotation
from integrations.encryption.secrets import Secret, SecretUnreadable
from integrations.models import AshbyApiKey, Connection
from tests.fixtures.statements import before_statement, fails
from tests.fixtures.world import World

NEW = Fernet.generate_key().decode()


def rotate(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rotate_encryption_keys", *arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def starts() -> list[str]:
    """What the check says that runs whenever the portal starts."""
    return [str(message.id) for message in run_checks(tags=["database"], databases=["default"])]


@pytest.fixture
def old(settings) -> str:
    key: str = settings.FIELD_ENCRYPTION_KEYS[0]
    return key


@pytest.fixture
def order(world: World, old: str) -> Order:
    connection = world.acme.connection
    connection.chat_webhook = Secret("https://hooks.test/secret")
    connection.save()
    return world.start()


def test_a_new_key_takes_over_and_the_old_one_may_go(world: World, order: Order, settings, old) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    done = rotate()
    assert done["left"] == {}
    assert (
        done["encrypted_anew"].items()
        >= {
            "integrations.Connection.verification_key": 2,
            "integrations.Connection.chat_webhook": 1,
            "integrations.AshbyApiKey.key": 2,
            "assessments.Order.candidate_email": 1,
            "assessments.Order.application": 1,
            "assessments.InboundRequest.body": 1,
            "recovery log": 1,
            "search terms": 1,
        }.items()
    )
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert starts() == []
    assert world.call("/ashby/assessment.list", {}).status_code == 200
    assert Connection.objects.get(pk=world.acme.connection.pk).chat_webhook.reveal().startswith("https://")
    assert Order.objects.get().candidate_email == "zoe.oneil@example.com"
    assert Order.objects.filter(search.matches("zoe", Order.objects.all())).get() == order
    Order.objects.all().delete()
    assert len(recovery.restore_missing_orders(world.acme.organization, order.created_at)) == 1


def test_it_may_be_run_again_and_finds_nothing_to_do(order: Order, settings, old: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    rotate()
    before = _ciphertexts()
    assert rotate()["encrypted_anew"] == {}
    assert _ciphertexts() == before


@pytest.mark.anywhere
def test_an_interrupted_rotation_continues(order: Order, settings, old: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"secrets": 1}
    dies = before_statement('UPDATE "integrations_connection"', fails(KeyboardInterrupt(), at=3))
    with pytest.raises(KeyboardInterrupt), dies:
        rotate()
    left = {
        name: number for name, number in rotation.count_pending().items() if name.startswith("integrations.")
    }
    assert 0 < sum(left.values()) < 5
    done = rotate()["encrypted_anew"]
    assert {name: done[name] for name in left} == left
    assert rotate("--check")["left"] == {}


@pytest.mark.anywhere
def test_candidates_are_found_while_their_search_hashes_are_renewed(
    world: World, order: Order, settings, old: str
) -> None:
    """By either key: an order's terms are of one or of the other."""
    other = world.start(application={"ashby_id": "a-2", "status": "Active"})
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"search_terms": 1}
    dies = before_statement('DELETE FROM "assessments_candidatesearchterm"', fails(KeyboardInterrupt(), at=2))
    with pytest.raises(KeyboardInterrupt), dies:
        rotate()
    assert set(Order.objects.filter(search.matches("zoe.oneil@example.com", Order.objects.all()))) == {
        order,
        other,
    }
    with pytest.raises(CommandError, match="search terms: 1"):
        rotate("--check")
    assert rotate()["left"] == {}


def test_a_candidate_s_data_of_a_lost_key_become_dots(order: Order, settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(SecretUnreadable, match="not in FIELD_ENCRYPTION_KEYS"):
        str(Order.objects.get().candidate_name)
    for file in Path(settings.RECOVERY_LOG_DIR).rglob("start-*"):
        file.unlink()  # Which happens by itself after two weeks.
    assert rotate("--clear-unreadable")["cleared"]["assessments.Order.candidate_email"] == 1
    kept = Order.objects.get()
    assert (kept.candidate_email, kept.application) == ("•••", {})
    assert starts() == []


@pytest.mark.anywhere
def test_a_change_by_an_admin_during_a_fetch_is_not_overwritten(world: World, settings, old: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]

    def admin_is_quicker(number: int) -> None:
        key = AshbyApiKey.objects.order_by("pk")[number - 1]
        key.key = Secret(f"fresh-{key.pk}-0123456789")
        key.save()

    with before_statement('UPDATE "integrations_ashbyapikey"', admin_is_quicker):
        rotate()
    assert all(key.key.reveal().startswith("fresh-") for key in AshbyApiKey.objects.all())


def test_while_the_old_key_is_needed_it_may_not_go(world: World, order: Order, settings, old: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    with pytest.raises(CommandError, match="The other keys are still needed"):
        rotate("--check")
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert starts() == ["integrations.E004"], "the portal does not start without it"
    with pytest.raises(CommandError, match="add the missing key again"):
        rotate()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, old]
    assert starts() == []


def test_secrets_of_a_lost_key_are_cleared_and_entered_again(world: World, settings, old: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    cleared = rotate("--clear-unreadable")["cleared"]
    assert cleared == {"integrations.Connection.verification_key": 2, "integrations.AshbyApiKey.key": 2}
    assert starts() == []
    assert find_by_verification_key(world.acme.verification_key) is None
    assert not AshbyApiKey.objects.exists()


def test_every_encrypted_field_is_known_to_it() -> None:
    """Found by walking the models: a new one is part of the rotation at once."""
    assert {f"{model.__name__}.{field}" for model, field in rotation.encrypted_fields()} >= {
        "Connection.verification_key",
        "Connection.chat_webhook",
        "AshbyApiKey.key",
    }


def _ciphertexts() -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute("SELECT verification_key, chat_webhook FROM integrations_connection ORDER BY id")
        return list(cursor.fetchall())


def test_an_unavailable_recovery_log_ends_the_command_with_one_line(order: Order, settings) -> None:
    settings.RECOVERY_LOG_DATABASE_URL = "postgres:/portal:hunter2@db/log"
    with pytest.raises(CommandError, match="recovery log is unavailable") as failure:
        rotate()
    assert "hunter2" not in str(failure.value)
