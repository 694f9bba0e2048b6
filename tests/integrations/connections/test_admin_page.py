"""An org's admin keeps the connection: keys written and never read back, both sides checked."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from integrations.connections.api_keys import add_ashby_key
from integrations.connections.check import check
from integrations.connections.pauses import pause
from integrations.encryption.secrets import Secret
from integrations.models import AshbyApiKey, Connection, ConnectionJob, Organization
from tests.fixtures.admin import Desk
from tests.fixtures.world import JUSTIFACTS, World

PAGE = "integrations_connection_change"
KEY_PAGE = "integrations_ashbyapikey_change"


def posted(**changes: Any) -> dict[str, Any]:
    return {"is_enabled": "on", "verification_key": "", "staging_base_url": JUSTIFACTS, **changes}


def stored(world: World) -> Connection:
    return Connection.objects.get(pk=world.acme.connection.pk)


class TestVerificationKey:
    def test_it_is_shown_as_four_characters(self, world: World, desk: Desk) -> None:
        key = world.acme.verification_key
        page = desk.html(PAGE, world.acme.connection.pk)
        assert key not in page
        assert f"Stored: ••••{key[-4:]}." in page

    def test_left_empty_it_stays(self, world: World, desk: Desk) -> None:
        desk.press(PAGE, world.acme.connection.pk, **posted(staging_base_url="https://new.test/a?b/"))
        connection = stored(world)
        assert connection.verification_key.reveal() == world.acme.verification_key
        assert connection.staging_base_url == "https://new.test/a?b/"

    @pytest.mark.parametrize("around", ["{}", "  {}\n", "\r\n{}\t", "\u200b{}\u200b", "\ufeff{} "])
    def test_a_careless_paste_works(self, world: World, desk: Desk, around: str) -> None:
        desk.press(
            PAGE, world.acme.connection.pk, **posted(verification_key=around.format("new-key-0123456789"))
        )
        assert stored(world).verification_key.reveal() == "new-key-0123456789"

    @pytest.mark.parametrize("key", ["two words", "two\nlines", "nul\x00", "schlüssel"])
    def test_a_text_that_cannot_be_a_key_is_refused(self, world: World, desk: Desk, key: str) -> None:
        page = desk.press(PAGE, world.acme.connection.pk, **posted(verification_key=key))
        assert "Please correct the error below." in page
        assert stored(world).verification_key.reveal() == world.acme.verification_key

    def test_another_organizations_key_is_refused_without_naming_it(self, world: World, desk: Desk) -> None:
        key = world.globex.verification_key
        page = desk.press(PAGE, world.acme.connection.pk, **posted(verification_key=f" {key} "))
        assert "belongs to another organization" in page
        assert "Globex" not in page
        assert key not in page

    def test_a_form_that_fails_does_not_give_it_back(self, world: World, desk: Desk) -> None:
        answer = desk.client.post(
            reverse(f"admin:{PAGE}", args=[world.acme.connection.pk]),
            posted(verification_key="new-key-0123456789", staging_base_url="nonsense"),
        )
        assert "starting with https://" in answer.content.decode()
        assert "new-key-0123456789" not in answer.content.decode()

    def test_the_history_says_that_it_changed_and_not_how(self, world: World, desk: Desk) -> None:
        desk.press(PAGE, world.acme.connection.pk, **posted(verification_key="new-key-0123456789"))
        entry = LogEntry.objects.get()
        kept = f"{entry.object_repr} {entry.change_message} {entry.get_change_message()}"
        assert "Verification key" in kept
        assert "0123456789" not in kept
        assert world.acme.verification_key not in kept

    def test_an_unreadable_key_is_entered_again(self, world: World, desk: Desk) -> None:
        Connection.objects.filter(pk=world.acme.connection.pk).update(
            verification_key=Secret(ciphertext="lost")
        )
        assert "unreadable" in desk.open(PAGE, world.acme.connection.pk)
        page = desk.press(PAGE, world.acme.connection.pk, **posted())
        assert "can no longer be read. Enter it again." in page
        desk.press(PAGE, world.acme.connection.pk, **posted(verification_key="new-key-0123456789"))
        assert stored(world).verification_key.reveal() == "new-key-0123456789"


class TestHealth:
    def test_the_page_says_what_to_paste_into_ashby(self, world: World, desk: Desk) -> None:
        assert "https://portal.test/ashby/" in desk.open(PAGE, world.acme.connection.pk)

    def test_a_pause_is_explained(self, world: World, desk: Desk) -> None:
        pause(world.acme.organization, "Ashby refused the key of March.", timezone.now())
        for page in (
            desk.open(PAGE, world.acme.connection.pk),
            desk.open("integrations_connection_changelist"),
        ):
            assert "Paused: Ashby refused the key of March." in page

    def test_the_last_trouble_is_said(self, world: World, desk: Desk) -> None:
        world.justifacts("assessment.list", "down", 503)
        world.ashby(
            "apiKey.info", {"success": True, "results": {"title": "K", "scopes": ["candidates:write"]}}
        )
        check(world.acme.connection)
        page = desk.open(PAGE, world.acme.connection.pk)
        assert "The last call to Justifacts failed" in page
        assert "justifacts.test answered 503" in page

    @pytest.mark.parametrize("what", ["test_connections", "fetch_packages", "fetch_jobs"])
    def test_an_action_asks_a_worker(self, world: World, desk: Desk, what: str) -> None:
        page = desk.act("integrations_connection", what, world.acme.connection)
        assert "Running in the background for 1 organization" in page
        assert ConnectionJob.objects.get().requested_by == "admin"
        assert len(world.wire.calls) == 0

    def test_a_person_who_may_only_view_cannot_request_jobs(self, world: World, reader: Desk) -> None:
        assert "Set up and test" not in reader.open(PAGE, world.acme.connection.pk)
        reader.act("integrations_connection", "test_connections", world.acme.connection)
        assert not ConnectionJob.objects.exists()

    def test_a_connection_is_switched_off_and_not_deleted(self, world: World, desk: Desk) -> None:
        url = reverse("admin:integrations_connection_delete", args=[world.acme.connection.pk])
        assert desk.client.post(url, {"post": "yes"}).status_code == 403

    def test_a_new_organization_is_connected(self, world: World, desk: Desk) -> None:
        desk.press("integrations_organization_add", name="Initech", slug="initech", retention_days="730")
        organization = Organization.objects.get(slug="initech")
        desk.press(
            "integrations_connection_add",
            **posted(organization=organization.pk, verification_key="verify-initech-1"),
        )
        connection = Connection.objects.get(organization=organization)
        assert connection.verification_key.reveal() == "verify-initech-1"
        assert "None yet: updates cannot be sent to Ashby." in desk.open(PAGE, connection.pk)


class TestAshbyKeys:
    @pytest.fixture
    def second(self, world: World) -> AshbyApiKey:
        """Acme's first key is in use again, after a second one was added."""
        second = add_ashby_key(world.acme.connection, "second-key-9999", "Second")
        first = AshbyApiKey.objects.exclude(pk=second.pk).get(organization=world.acme.organization)
        add_ashby_key(world.acme.connection, first.key.reveal())
        second.refresh_from_db()
        return second

    def in_use(self, world: World) -> list[str]:
        keys = world.acme.organization.ashby_api_keys.filter(is_selected=True)
        return [key.key.reveal() for key in keys]

    def test_a_key_is_added_and_put_into_use(self, world: World, desk: Desk) -> None:
        page = desk.press(
            "integrations_ashbyapikey_add",
            organization=world.acme.organization.pk,
            name="April",
            key="  april-key-0123\n",
            use="on",
        )
        assert "april-key-0123" not in page
        assert self.in_use(world) == ["april-key-0123"]
        kept = " ".join(f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all())
        assert "april-key" not in kept

    def test_the_chosen_key_is_used_and_deliveries_go_on(
        self, world: World, second: AshbyApiKey, desk: Desk
    ) -> None:
        pause(world.acme.organization, "Ashby refused the key.", timezone.now())
        page = desk.act("integrations_ashbyapikey", "use_key", second)
        assert "Acme now uses “Second”." in page
        assert self.in_use(world) == ["second-key-9999"]
        assert stored(world).paused_at is None

    def test_saving_the_form_with_in_use_takes_the_others_place(
        self, world: World, second: AshbyApiKey, desk: Desk
    ) -> None:
        desk.press(KEY_PAGE, second.pk, name="Second", key="", use="on")
        assert self.in_use(world) == ["second-key-9999"]

    def test_renaming_asks_for_no_key_and_shows_none(
        self, world: World, second: AshbyApiKey, desk: Desk
    ) -> None:
        page = desk.html(KEY_PAGE, second.pk)
        assert "second-key" not in page
        assert "Stored: ••••9999." in page
        desk.press(KEY_PAGE, second.pk, name="Renamed", key="")
        second.refresh_from_db()
        assert (second.name, second.key.reveal()) == ("Renamed", "second-key-9999")

    def test_a_key_entered_twice_is_a_form_error(self, world: World, second: AshbyApiKey, desk: Desk) -> None:
        page = desk.press(
            "integrations_ashbyapikey_add",
            organization=world.acme.organization.pk,
            name="Again",
            key="second-key-9999",
        )
        assert "This organization already has this key." in page

    def test_a_key_is_needed(self, world: World, desk: Desk) -> None:
        page = desk.press(
            "integrations_ashbyapikey_add", organization=world.acme.organization.pk, name="None", key=" "
        )
        assert "This field is required." in page

    def test_two_chosen_keys_are_one_too_many(self, world: World, second: AshbyApiKey, desk: Desk) -> None:
        page = desk.act("integrations_ashbyapikey", "use_key", *AshbyApiKey.objects.all())
        assert "Select one key." in page
        assert self.in_use(world) == [world.acme.ashby_key]


class TestChatAddress:
    def test_it_is_kept_as_a_secret_and_can_be_removed(self, world: World, org_admin: Desk) -> None:
        address = "https://hooks.chat.test/services/T0/B0/secretpart1234"
        org_admin.press(PAGE, world.acme.connection.pk, **posted(chat_webhook=address))
        assert stored(world).chat_webhook.reveal() == address
        page = org_admin.html(PAGE, world.acme.connection.pk)
        assert "secretpart" not in page
        assert "••••1234" in page
        org_admin.press(PAGE, world.acme.connection.pk, **posted())
        assert stored(world).chat_webhook
        org_admin.press(PAGE, world.acme.connection.pk, **posted(remove_webhook="on"))
        assert not stored(world).chat_webhook

    @pytest.mark.parametrize(
        "address",
        [
            "http://hooks.chat.test/secretpart",
            "https://127.0.0.1/secretpart",
            "https://169.254.169.254\\@hooks.chat.test/secretpart",
            "https://user:secretpart@hooks.chat.test/",
            "https://localhost/secretpart",
            "https://2130706433/secretpart",
            "secretpart",
        ],
    )
    def test_a_webhook_url_that_may_not_be_called_is_refused_and_not_repeated(
        self, world: World, org_admin: Desk, address: str
    ) -> None:
        page = reverse(f"admin:{PAGE}", args=[world.acme.connection.pk])
        answer = org_admin.client.post(page, posted(chat_webhook=address)).content.decode()
        assert "Please correct the error below." in answer
        assert "secretpart" not in answer
        assert not stored(world).chat_webhook


class TestAddressOfJustifacts:
    @pytest.mark.parametrize(
        ("address", "why"),
        [
            ("http://justifacts.test/", "must start with https://"),
            ("https://10.0.0.1/", "points to a private network"),
            ("https://justifacts/", "points to a private network"),
            ("https://a:b@justifacts.test/", "starting with https://"),
            ("https://justifacts.test\\@evil.test/", "a backslash"),
            ("https://justifаcts.test/", "xn-- form"),  # A Cyrillic letter.
            ("https://justifacts.test/\u202e", "spaces"),
        ],
    )
    def test_a_url_that_may_not_be_called_is_refused_with_the_reason(
        self, world: World, org_admin: Desk, address: str, why: str
    ) -> None:
        assert why in org_admin.press(PAGE, world.acme.connection.pk, **posted(staging_base_url=address))
        step = {"staging_base_url": address}
        setup = [world.acme.organization.pk, "base-url"]
        assert why in org_admin.press("integrations_organization_setup_save", *setup, **step)
        assert stored(world).staging_base_url == JUSTIFACTS

    def test_the_operator_may_except_one(self, world: World, org_admin: Desk, settings) -> None:
        settings.OUTBOUND_ALLOWED_HOSTS = ["sandbox:9001"]
        org_admin.press(PAGE, world.acme.connection.pk, **posted(staging_base_url="http://sandbox:9001/x/"))
        assert stored(world).staging_base_url == "http://sandbox:9001/x/"


class TestServersOfReports:
    def test_an_org_admin_adds_one(self, world: World, org_admin: Desk) -> None:
        assert "at justifacts.com, at the host of" in org_admin.open(PAGE, world.acme.connection.pk)
        org_admin.press(PAGE, world.acme.connection.pk, **posted(report_hosts="Reports.example.com\r\n"))
        assert stored(world).hosts_of_reports == ["justifacts.test", "reports.example.com"]

    def test_a_text_that_is_no_host_is_refused_with_the_reason(self, world: World, org_admin: Desk) -> None:
        page = org_admin.press(PAGE, world.acme.connection.pk, **posted(report_hosts="*.com"))
        assert "“*.com” is not a host name." in page
        assert stored(world).hosts_of_reports == ["justifacts.test"]
