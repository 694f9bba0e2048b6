"""Signing in by password: guessing is limited, accounts are not revealed, and sessions end."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from integrations.accounts.sessions import BACKGROUND_REFRESH
from integrations.tasks import delete_ended_sessions
from tests.fixtures.admin import member, signed_in, words
from tests.fixtures.world import World

PASSWORD = "correct horse battery"  # nosec B105 # noqa: S105 - of an account that only the test has
HERE, ELSEWHERE = "203.0.113.7", "203.0.113.9"


@pytest.fixture
def ada(world: World) -> User:
    person = member("ada", world.acme.organization)
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(name: str, password: str, address: str = HERE, client: Client | None = None, **query: str) -> Any:
    form = {"username": name, "password": password, **query}
    return (client or Client()).post(reverse("account_login"), form, REMOTE_ADDR=address)


def is_in(client: Client) -> bool:
    # Any page of the admin would do; this one is the quickest.
    return client.get(reverse("admin:jsi18n")).status_code == 200


def is_limited(response: Any) -> bool:
    return b"Too many attempts" in response.content


@pytest.fixture
def fewer_failures(settings: Any) -> None:
    """Seven at an address instead of fifty, eight for an account instead of sixty: to fail takes its time."""
    limits = settings.ACCOUNT_RATE_LIMITS
    assert limits["login_failed_by_address"] == "50/10m/key"
    assert limits["login_failed_by_account"] == "60/10m/key"
    settings.ACCOUNT_RATE_LIMITS = limits | {
        "login_failed_by_address": "7/10m/key",
        "login_failed_by_account": "8/10m/key",
    }


class TestLogin:
    def test_the_right_password_opens_the_page_that_was_asked_for(self, ada: User) -> None:
        wanted = reverse("admin:assessments_order_changelist")
        assert sign_in("ada", PASSWORD).url == reverse("admin:index")
        assert sign_in("ada", PASSWORD, next=wanted).url == wanted

    @pytest.mark.parametrize("address", ["https://evil.test/", "//evil.test", "https:evil.test"])
    def test_nobody_is_redirected_to_another_site(self, ada: User, address: str) -> None:
        assert sign_in("ada", PASSWORD, next=address).url == reverse("admin:index")

    def test_a_username_is_normalized_as_when_it_was_chosen(self, world: World) -> None:
        User.objects.create_user("fiona", None, PASSWORD, is_staff=True)
        assert sign_in("ﬁona", PASSWORD).status_code == 302

    def test_an_account_that_is_not_staff_is_refused_like_a_wrong_password(self, ada: User) -> None:
        User.objects.create_user("visitor", None, PASSWORD)
        refused, wrong = sign_in("visitor", PASSWORD), sign_in("ada", "wrong")
        assert "are not correct" in words(refused.content.decode())
        assert words(refused.content.decode()) == words(wrong.content.decode())

    def test_a_signed_in_person_skips_the_login_page(self, ada: User) -> None:
        assert signed_in(ada).client.get(reverse("account_login")).url == reverse("admin:index")

    def test_the_admins_own_login_page_leads_to_allauths(self, rf: RequestFactory) -> None:
        """It would sign people in without a second factor."""
        request = rf.post("/elsewhere/", {"username": "ada", "password": PASSWORD})
        request.user = AnonymousUser()
        assert admin.site.login(request).url.startswith(f"{reverse('account_login')}?")

    @pytest.mark.anywhere
    @pytest.mark.parametrize("address", ["", "203.0.113.7:5555", "2001:db8::1", "::ffff:203.0.113.7"])
    def test_any_form_of_the_callers_address_can_be_stored(self, ada: User, address: str) -> None:
        client = Client()
        assert sign_in("ada", PASSWORD, address, client).status_code == 302
        assert is_in(client)


class TestPasswordGuessing:
    def test_the_right_password_is_refused_for_ten_minutes_after_five_wrong_ones(self, ada: User) -> None:
        for _ in range(5):
            assert not is_limited(sign_in("ada", "wrong"))
        assert is_limited(sign_in("ada", PASSWORD))
        with time_machine.travel(timezone.now() + timedelta(minutes=9)):
            assert is_limited(sign_in("ada", PASSWORD))
        with time_machine.travel(timezone.now() + timedelta(minutes=10)):
            assert sign_in("ada", PASSWORD).status_code == 302

    def test_failures_of_a_colleague_or_at_another_address_do_not_lock_an_account(self, ada: User) -> None:
        for _ in range(6):
            sign_in("bea", "wrong")
            sign_in("ada", "wrong", ELSEWHERE)
        assert sign_in("ada", PASSWORD).status_code == 302

    def test_many_failures_block_an_address_for_every_account(self, ada: User, fewer_failures: None) -> None:
        for number in range(7):
            assert not is_limited(sign_in(f"person-{number}", "wrong"))
        assert is_limited(sign_in("ada", PASSWORD))
        assert sign_in("ada", PASSWORD, ELSEWHERE).status_code == 302

    def test_many_failures_block_an_account_at_every_address(self, ada: User, fewer_failures: None) -> None:
        for number in range(8):
            assert not is_limited(sign_in("ADA ", "wrong", f"198.51.100.{number}"))
        assert is_limited(sign_in("ada", PASSWORD))

    def test_refused_attempts_and_right_passwords_do_not_use_up_a_limit(
        self, ada: User, fewer_failures: None
    ) -> None:
        for _ in range(8):
            sign_in("bea", "wrong")
        for _ in range(8):
            assert sign_in("ada", PASSWORD).status_code == 302

    def test_a_right_password_does_not_reset_the_limit(self, ada: User) -> None:
        for password in ("wrong", "wrong", "wrong", "wrong", PASSWORD, "wrong"):
            sign_in("ada", password)
        assert is_limited(sign_in("ada", PASSWORD))

    def test_unknown_usernames_are_limited_like_known_ones(self, ada: User) -> None:
        attempts = [[is_limited(sign_in(name, "wrong")) for _ in range(6)] for name in ("ada", "eve")]
        assert attempts == [[False] * 5 + [True]] * 2


class TestForgottenPassword:
    def ask(self, email: str) -> Any:
        return Client().post(reverse("admin_password_reset"), {"email": email}, follow=True)

    def test_the_answer_is_the_same_for_unknown_addresses_and_a_worker_sends_the_mail(
        self, ada: User, workers_take_messages: Callable[[], Any]
    ) -> None:
        with workers_take_messages() as messages:
            known, unknown = self.ask(ada.email), self.ask("eve@example.com")
            assert known.content == unknown.content
            assert not mail.outbox, "waiting for the mail server would reveal the account by its time"
        assert len(messages) == 2, "publishing a message takes time, too"
        assert [message.to for message in mail.outbox] == [[ada.email]]

    def test_a_mailbox_gets_five_links_in_ten_minutes_at_most(
        self, ada: User, workers_take_messages: Callable[[], Any]
    ) -> None:
        with workers_take_messages():
            answers = {self.ask(email).content for email in [ada.email, ada.email.upper()] * 5}
        assert len(mail.outbox) == 5
        assert len(answers) == 1, "the limit is not shown"


class TestSessionTimeouts:
    @pytest.fixture
    def hers(self, ada: User) -> Client:
        return signed_in(ada).client

    def test_a_session_ends_after_eight_hours_without_use(self, hers: Client) -> None:
        with time_machine.travel(time.time() + 7.9 * 3600):
            assert is_in(hers)
        with time_machine.travel(time.time() + 15 * 3600):
            assert is_in(hers), "it was used since"
        with time_machine.travel(time.time() + 23.1 * 3600):
            assert not is_in(hers)
        assert not is_in(hers), "it does not come back"

    def test_a_session_ends_seven_days_after_the_sign_in(self, hers: Client) -> None:
        began = time.time()
        for hours in range(6, 7 * 24, 6):
            with time_machine.travel(began + hours * 3600):
                assert is_in(hers), hours
        with time_machine.travel(began + 7 * 24 * 3600 + 1):
            assert not is_in(hers)

    def test_a_background_refresh_does_not_keep_a_session_alive(self, hers: Client) -> None:
        for hours in (3, 6):
            with time_machine.travel(time.time() + hours * 3600):
                hers.get(reverse("admin:index"), headers={BACKGROUND_REFRESH: "yes"})
        with time_machine.travel(time.time() + 8.1 * 3600):
            assert not is_in(hers)

    def test_the_key_changes_at_sign_in_and_is_dead_after_sign_out(self, ada: User) -> None:
        client = Client()
        client.get(reverse("account_login"))
        before = client.cookies["csrftoken"].value
        sign_in("ada", PASSWORD, client=client)
        key = client.cookies["sessionid"].value
        assert client.cookies["csrftoken"].value != before
        client.post(reverse("admin:logout"))
        client.cookies["sessionid"] = key
        assert not is_in(client)

    def test_a_session_from_before_the_list_of_sessions_is_signed_out_once(
        self, ada: User, hers: Client
    ) -> None:
        UserSession.objects.all().delete()
        assert not is_in(hers)
        sign_in("ada", PASSWORD, client=hers)
        assert is_in(hers)


class TestSessionList:
    PAGE = "/admin/sessions/"

    @pytest.fixture
    def hers(self, ada: User) -> Client:
        client = Client(headers={"User-Agent": "Firefox"})
        sign_in("ada", PASSWORD, client=client)
        return client

    @pytest.fixture
    def hers_elsewhere(self, ada: User) -> Client:
        client = Client(headers={"User-Agent": "Safari"})
        sign_in("ada", PASSWORD, ELSEWHERE, client)
        return client

    def test_it_shows_where_the_person_is_signed_in_and_nobody_else(
        self, world: World, hers: Client, hers_elsewhere: Client
    ) -> None:
        signed_in(member("bea", world.acme.organization))
        page = words(hers.get(self.PAGE).content.decode())
        assert f"{HERE} · this browser Firefox" in page
        assert f"{ELSEWHERE} Safari" in page
        assert page.count("Signed in") == 2

    def test_a_session_whose_time_is_over_is_not_shown(self, hers: Client, hers_elsewhere: Client) -> None:
        with time_machine.travel(time.time() + 7 * 3600):
            assert is_in(hers)
        with time_machine.travel(time.time() + 9 * 3600):
            assert "Safari" not in hers.get(self.PAGE).content.decode()

    def test_all_other_sessions_can_be_ended(
        self, world: World, hers: Client, hers_elsewhere: Client
    ) -> None:
        beas = signed_in(member("bea", world.acme.organization)).client
        page = hers.post(self.PAGE, follow=True)
        assert "Signed out of all other sessions" in words(page.content.decode())
        assert [is_in(client) for client in (hers, hers_elsewhere, beas)] == [True, False, True]

    def test_a_new_password_ends_the_other_sessions(
        self, ada: User, hers: Client, hers_elsewhere: Client
    ) -> None:
        new = "another horse battery"
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        hers.post(reverse("admin:password_change"), form)
        assert [is_in(client) for client in (hers, hers_elsewhere)] == [True, False]
        assert words(hers.get(self.PAGE).content.decode()).count("Signed in") == 1

    def test_a_password_that_somebody_else_sets_ends_all_sessions(self, ada: User, hers: Client) -> None:
        ada.set_password("another horse battery")
        ada.save()
        assert not is_in(hers)

    def test_signing_out_takes_the_session_off_the_list(self, hers: Client) -> None:
        hers.post(reverse("admin:logout"))
        assert not UserSession.objects.exists()

    def test_sessions_whose_browser_never_comes_back_are_deleted(
        self, hers: Client, hers_elsewhere: Client
    ) -> None:
        with time_machine.travel(time.time() + 7 * 3600):
            assert is_in(hers)
        with time_machine.travel(time.time() + 9 * 3600):
            delete_ended_sessions()
            assert is_in(hers)
        assert [session.user_agent for session in UserSession.objects.all()] == ["Firefox"]
        assert [session.session_key for session in Session.objects.all()] == [hers.cookies["sessionid"].value]
