"""Signing in: guessing is hopeless, nobody learns who has an account, and sessions end."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.accounts.sessions import BACKGROUND_REFRESH
from tests.fixtures.admin import member, signed_in
from tests.fixtures.world import World

PASSWORD = "correct horse battery"  # nosec B105 # noqa: S105 - of an account that only the test has


@pytest.fixture
def ada(world: World) -> User:
    person = member("ada", world.acme.organization)
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(name: str, password: str, address: str = "203.0.113.7", client: Client | None = None) -> Any:
    form = {"username": name, "password": password}
    return (client or Client()).post(reverse("admin:login"), form, REMOTE_ADDR=address)


def is_in(client: Client) -> bool:
    return client.get(reverse("admin:index")).status_code == 200


class TestGuessing:
    def test_after_five_wrong_passwords_even_the_right_one_waits(self, ada: User) -> None:
        for _ in range(5):
            assert b"Too many attempts" not in sign_in("ada", "wrong").content
        assert b"Too many attempts" in sign_in("ada", PASSWORD).content
        with time_machine.travel(timezone.now() + timedelta(minutes=10)):
            assert sign_in("ada", PASSWORD).status_code == 302

    def test_a_colleague_at_the_same_office_and_ada_elsewhere_are_not_shut_out(self, ada: User) -> None:
        for _ in range(6):
            sign_in("bea", "wrong")
            sign_in("ada", "wrong", "203.0.113.9")
        assert sign_in("ada", PASSWORD).status_code == 302

    def test_one_address_cannot_try_many_names(self, ada: User) -> None:
        for number in range(50):
            sign_in(f"person-{number}", "wrong")
        assert b"Too many attempts" in sign_in("ada", PASSWORD).content

    def test_one_name_cannot_be_tried_from_many_addresses(self, ada: User) -> None:
        for number in range(60):
            sign_in("ADA ", "wrong", f"198.51.100.{number}")
        assert b"Too many attempts" in sign_in("ada", PASSWORD).content

    def test_names_that_nobody_has_are_counted_like_others(self, ada: User) -> None:
        answers = [[sign_in(name, "wrong").content for _ in range(6)] for name in ("ada", "eve")]
        for of_ada, of_eve in zip(*answers, strict=True):
            assert (b"Too many attempts" in of_ada) == (b"Too many attempts" in of_eve)


class TestForgottenPasswords:
    def ask(self, email: str) -> Any:
        return Client().post(reverse("admin_password_reset"), {"email": email}, follow=True)

    def test_the_answer_is_the_same_and_the_mail_is_the_workers(
        self, ada: User, workers_take_messages: Callable[[], Any]
    ) -> None:
        with workers_take_messages() as messages:
            known, unknown = self.ask(ada.email), self.ask("eve@example.com")
            assert known.content == unknown.content
            assert not mail.outbox, "nobody waits for the mail server, whose time would tell"
        assert len(messages) == 2, "to publish a message takes time, too"
        assert [message.to for message in mail.outbox] == [[ada.email]]

    def test_nobodys_mail_box_is_flooded(self, ada: User, workers_take_messages: Callable[[], Any]) -> None:
        with workers_take_messages():
            answers = {self.ask(ada.email).content for _ in range(9)}
        assert len(mail.outbox) == 5
        assert len(answers) == 1, "who asks too often is not told so"


class TestSessions:
    @pytest.fixture
    def hers(self, ada: User) -> Client:
        return signed_in(ada).client

    def test_one_that_is_not_used_ends_after_eight_hours(self, hers: Client) -> None:
        with time_machine.travel(time.time() + 7.9 * 3600):
            assert is_in(hers)
        with time_machine.travel(time.time() + 15 * 3600):
            assert is_in(hers), "it was used since"
        with time_machine.travel(time.time() + 23.1 * 3600):
            assert not is_in(hers)
        assert not is_in(hers), "it does not come back"

    def test_every_one_ends_after_seven_days(self, hers: Client) -> None:
        began = time.time()
        for hours in range(6, 7 * 24, 6):
            with time_machine.travel(began + hours * 3600):
                assert is_in(hers), hours
        with time_machine.travel(began + 7 * 24 * 3600 + 1):
            assert not is_in(hers)

    def test_a_page_that_asks_by_itself_does_not_keep_it_alive(self, hers: Client) -> None:
        for hours in (3, 6):
            with time_machine.travel(time.time() + hours * 3600):
                hers.get(reverse("admin:index"), headers={BACKGROUND_REFRESH: "yes"})
        with time_machine.travel(time.time() + 8.1 * 3600):
            assert not is_in(hers)

    def test_its_key_changes_at_the_sign_in_and_it_ends_at_the_sign_out(self, ada: User) -> None:
        client = Client()
        client.get(reverse("admin:login"))
        before = client.cookies["csrftoken"].value
        sign_in("ada", PASSWORD, client=client)
        key = client.cookies["sessionid"].value
        assert client.cookies["csrftoken"].value != before
        client.post(reverse("admin:logout"))
        client.cookies["sessionid"] = key
        assert not is_in(client)

    def test_a_new_password_ends_all_others(self, ada: User, hers: Client) -> None:
        ada.set_password("another horse battery")
        ada.save()
        assert not is_in(hers)
