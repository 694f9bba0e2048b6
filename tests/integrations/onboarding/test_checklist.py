"""An org's admin, who never saw a UUID, connects the organization on one page."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from integrations.catalog.mapping import map_job
from integrations.connections.connect import connect
from integrations.models import AshbyApiKey, Connection, ConnectionJob, Organization
from integrations.onboarding import jobs as connection_jobs
from tests.fixtures.admin import Desk, member, signed_in
from tests.fixtures.world import JUSTIFACTS, World, basic

PAGE = "integrations_organization_setup"
SAVE = "integrations_organization_setup_save"
ASK = "integrations_organization_setup_ask"


@pytest.fixture
def newcomer(world: World) -> Organization:
    """Initech: known to the portal by its name alone."""
    return Organization.objects.create(name="Initech", slug="initech")


@pytest.fixture
def ida(newcomer: Organization) -> Desk:
    """Initech's admin."""
    return signed_in(member("ida", newcomer))


def work() -> None:
    """What the workers would do."""
    for job in connection_jobs.jobs_due():
        connection_jobs.run_job(job)


def lines(
    organization: Organization, kind: ConnectionJob.Kind = ConnectionJob.Kind.TEST
) -> list[tuple[str, str, str]]:
    job = connection_jobs.last_job(organization, kind)
    assert job
    return [(line["side"], line["state"], line["text"]) for line in job.findings]


class TestFromNothing:
    def test_the_page_says_what_to_do_first(self, ida: Desk, newcomer: Organization) -> None:
        page = ida.open(PAGE, newcomer.pk)
        assert "1 of 7 steps are done. Next: Ashby API key" in page
        for words in (
            "Admin › Integrations › API Keys",
            "+ New",
            "Integration Partner",
            "Read All and Write All",
            "Justifacts Credential Verification API Key",
            "Staging Base URL https://portal.test/ashby/",
        ):
            assert words in page

    def test_step_by_step_until_ashby_calls(self, world: World, ida: Desk, newcomer: Organization) -> None:
        world.portal_is_public()
        info = {"title": "Justifacts", "scopes": ["candidates:write", "jobs:read", "apiKeys:read"]}
        world.ashby("apiKey.info", {"success": True, "results": info})
        packages = [{"assessment_type_id": "JF-9", "name": "Drug test", "description": ""}]
        world.justifacts("assessment.list", {"success": True, "results": packages})
        jobs = [{"id": "job-7", "title": "Clerk", "status": "Open"}]
        world.ashby("job.list", {"success": True, "results": jobs, "moreDataAvailable": False})

        assert "has been saved and is in use" in ida.press(
            SAVE, newcomer.pk, "ashby-key", key=" initech-ashby-key-1\n"
        )
        ida.press(SAVE, newcomer.pk, "verification-key", verification_key="\u200binitech-verify-key-1 ")
        ida.press(SAVE, newcomer.pk, "base-url", staging_base_url=JUSTIFACTS)
        ida.press(ASK, newcomer.pk, "packages")
        ida.press(ASK, newcomer.pk, "jobs")
        work()
        ida.press(ASK, newcomer.pk, "test")
        work()
        assert [state for _side, state, _text in lines(newcomer)] == ["ok"] * 6
        page = ida.open(PAGE, newcomer.pk)
        assert "5 of 7 steps are done. Next: What to paste into Ashby" in page
        assert "Justifacts sells 1 package." in page
        assert "Ashby has 1 job." in page
        assert "0 of 1 jobs are mapped" in page

        answer = world.call("/ashby//assessment.list", {}, key="initech-verify-key-1")
        assert [entry["name"] for entry in answer.json()["results"]] == ["Drug test"]
        live = ida.open("integrations_organization_setup_live", newcomer.pk)
        assert "Everything is connected." in live
        assert "Initech is connected." in live

    def test_a_new_organization_is_set_up_next(self, world: World, operator: Desk) -> None:
        page = operator.press(
            "integrations_organization_add",
            name="Umbrella",
            slug="umbrella",
            retention_days="730",
            _save="Save",
        )
        assert "Set up Umbrella" in page


class TestSecrets:
    def test_a_key_is_shown_by_four_characters_and_who_set_it(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        org_admin.press(SAVE, acme.pk, "verification-key", verification_key="fresh-verify-key-7777")
        org_admin.press(SAVE, acme.pk, "ashby-key", key="fresh-ashby-key-8888", name="May")
        page = org_admin.html(PAGE, acme.pk)
        assert "••••7777" in page
        assert "••••8888" in page
        assert "by ada" in page
        assert "fresh-" not in page
        assert "fresh-" not in " ".join(entry.change_message for entry in LogEntry.objects.all())

    def test_replacing_one_asks_for_no_other(self, world: World, org_admin: Desk) -> None:
        org_admin.press(
            SAVE, world.acme.organization.pk, "verification-key", verification_key="fresh-key-7777"
        )
        connection = Connection.objects.get(pk=world.acme.connection.pk)
        assert connection.verification_key.reveal() == "fresh-key-7777"
        assert connection.staging_base_url == JUSTIFACTS
        selected = connection.selected_ashby_key
        assert selected
        assert selected.key.reveal() == world.acme.ashby_key

    @pytest.mark.parametrize(
        ("step", "given", "said"),
        [
            ("ashby-key", {"key": "two words"}, "A key contains no spaces"),
            ("ashby-key", {"key": ""}, "This field is required."),
            ("verification-key", {"verification_key": "ключ"}, "no special characters"),
            ("base-url", {"staging_base_url": "justifacts"}, "starting with https://"),
        ],
    )
    def test_an_invalid_value_is_explained_beside_its_field(
        self, world: World, org_admin: Desk, step: str, given: dict[str, str], said: str
    ) -> None:
        page = org_admin.press(SAVE, world.acme.organization.pk, step, **given)
        assert said in page
        assert AshbyApiKey.objects.filter(organization=world.acme.organization).count() == 1

    def test_another_organizations_verification_key_is_refused_without_naming_it(
        self, world: World, org_admin: Desk
    ) -> None:
        key = world.globex.verification_key
        page = org_admin.press(SAVE, world.acme.organization.pk, "verification-key", verification_key=key)
        assert "belongs to another organization" in page
        assert "Globex" not in page

    def test_an_older_key_is_put_into_use_again(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        org_admin.press(SAVE, acme.pk, "ashby-key", key="fresh-ashby-key-8888", name="May")
        old = acme.ashby_api_keys.get(is_selected=False)
        said = org_admin.press("integrations_organization_setup_use_key", acme.pk, old.pk)
        assert "is now in use" in said
        assert acme.ashby_api_keys.get(is_selected=True) == old


class TestTestingTheConnection:
    """Each line says what is wrong, and who can fix it."""

    @pytest.fixture(autouse=True)
    def _both_endpoints_work(self, world: World) -> None:
        world.portal_is_public()
        info = {"title": "Justifacts", "scopes": ["candidates:write"]}
        world.ashby("apiKey.info", {"success": True, "results": info})
        world.justifacts("assessment.list", {"success": True, "results": []})

    def _test(self, world: World) -> list[tuple[str, str, str]]:
        connection_jobs.request_job(world.acme.organization, ConnectionJob.Kind.TEST, "ada")
        work()
        return lines(world.acme.organization)

    def test_everything_works_and_no_order_is_made(self, world: World) -> None:
        found = self._test(world)
        assert [(side, state) for side, state, _text in found] == [
            ("Ashby", "ok"), ("Justifacts", "ok"), *[("Portal", "ok")] * 4
        ]  # fmt: skip
        assert "finds 2 assessment types" in found[2][2]
        assert world.sent("assessment.start") == []
        assert world.row_counts() == (0, 0, 0)

    def test_our_own_calls_are_not_taken_for_ashbys_first(self, world: World) -> None:
        self._test(world)
        assert Connection.objects.get(pk=world.acme.connection.pk).last_inbound_call_at is None

    def test_a_mark_that_anybody_could_make_counts_for_nothing(self, world: World) -> None:
        world.call("/ashby/assessment.list", {}, HTTP_X_PORTAL_SELF_TEST="ashby:forged")
        assert Connection.objects.get(pk=world.acme.connection.pk).last_inbound_call_at

    def test_a_key_that_may_not_write_candidates(self, world: World) -> None:
        world.ashby("apiKey.info", {"success": True, "results": {"title": "K", "scopes": ["jobs:read"]}})
        (_side, state, text), *_ = self._test(world)
        assert state == "problem"
        assert "may not write candidates" in text
        assert "In Ashby, open Admin > Integrations > API Keys" in text

    def test_a_key_that_may_do_far_more_is_advice(self, world: World) -> None:
        scopes = ["candidates:write", "offers:write", "hiringProcess:write"]
        world.ashby("apiKey.info", {"success": True, "results": {"title": "K", "scopes": scopes}})
        assert self._test(world)[1][:2] == ("Ashby", "advice")
        assert "offers:write" in lines(world.acme.organization)[1][2]
        assert connection_jobs.last_tested(world.acme.organization)

    def test_there_is_no_key_at_all(self, world: World) -> None:
        world.acme.organization.ashby_api_keys.all().delete()
        assert self._test(world)[0][2].startswith("Acme has no Ashby API key in use.")

    def test_justifacts_refuses_the_key(self, world: World) -> None:
        world.justifacts("assessment.list", {"success": False}, 403)
        found = self._test(world)
        assert found[1][:2] == ("Justifacts", "problem")
        assert "Enter the key from Justifacts' e-mail." in found[1][2]

    def test_the_public_address_leads_nowhere(self, world: World, settings) -> None:
        settings.PORTAL_BASE_URL = "https://nowhere.test"
        side, state, text = self._test(world)[-1]
        assert (side, state) == ("Portal", "problem")
        assert "https://nowhere.test" in text
        assert "An operator has to" in text

    def test_a_changed_key_wants_a_new_test(self, world: World, org_admin: Desk) -> None:
        self._test(world)
        acme = world.acme.organization
        assert connection_jobs.last_tested(acme)
        org_admin.press(SAVE, acme.pk, "ashby-key", key="fresh-ashby-key-8888")
        assert "A key has changed since this test" in org_admin.open(PAGE, acme.pk)


class TestConnectionJobs:
    def test_two_clicks_request_one_job(self, world: World, org_admin: Desk) -> None:
        for _ in range(2):
            org_admin.press(ASK, world.acme.organization.pk, "packages")
        assert ConnectionJob.objects.count() == 1

    def test_two_workers_run_it_once(self, world: World) -> None:
        world.justifacts("assessment.list", {"success": True, "results": []})
        job = connection_jobs.request_job(world.acme.organization, ConnectionJob.Kind.PACKAGES, "ada")
        connection_jobs.run_job(job.pk)
        connection_jobs.run_job(job.pk)
        assert len(world.sent("assessment.list")) == 1

    def test_a_job_whose_worker_died_does_not_block_a_new_one(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        ConnectionJob.objects.create(
            organization=acme,
            kind="test",
            requested_by="ada",
            requested_at=timezone.now() - timedelta(minutes=5),
        )
        org_admin.press(ASK, acme.pk, "test")
        assert ConnectionJob.objects.filter(ended_at=None).count() == 1
        assert ConnectionJob.objects.count() == 2

    def test_a_job_whose_worker_died_half_way_can_be_requested_again(
        self, world: World, org_admin: Desk
    ) -> None:
        acme, long_ago = world.acme.organization, timezone.now() - timedelta(minutes=5)
        ConnectionJob.objects.create(
            organization=acme, kind="test", requested_by="ada", requested_at=long_ago, started_at=long_ago
        )
        page = org_admin.html(PAGE, acme.pk)
        assert "This was interrupted. Try again." in page
        assert "disabled" not in page.partition('id="test"')[2].partition("</form>")[0]

    def test_the_page_says_when_nobody_works(self, world: World, org_admin: Desk) -> None:
        acme = world.acme.organization
        ConnectionJob.objects.create(
            organization=acme,
            kind="jobs",
            requested_by="ada",
            requested_at=timezone.now() - timedelta(seconds=40),
        )
        assert "The portal’s background worker has not started this job yet." in org_admin.open(PAGE, acme.pk)

    def test_the_changes_are_reported(self, world: World, org_admin: Desk) -> None:
        listed = [{"assessment_type_id": "JF-9", "name": "Drug test", "description": ""}]
        world.justifacts("assessment.list", {"success": True, "results": listed})
        org_admin.press(ASK, world.acme.organization.pk, "packages")
        work()
        page = org_admin.open(PAGE, world.acme.organization.pk)
        assert "New: “Drug test”." in page
        assert "No longer in the list: “Basic”; “Executive”. Nothing was withdrawn." in page

    def test_a_side_that_fails_is_said(self, world: World, org_admin: Desk) -> None:
        world.ashby("job.list", "down", 500)
        org_admin.press(ASK, world.acme.organization.pk, "jobs")
        work()
        assert "ashby.test answered 500" in org_admin.open(PAGE, world.acme.organization.pk)


class TestPermissions:
    @pytest.mark.parametrize("address", ["", "live/", "ashby-key/save/", "test/ask/", "use-key/1/"])
    def test_another_organizations_setup_does_not_exist(
        self, world: World, org_admin: Desk, support: Desk, address: str
    ) -> None:
        url = reverse(f"admin:{PAGE}", args=[world.globex.organization.pk]) + address
        for person in (org_admin, support):
            assert person.client.get(url).status_code == 404
            assert person.client.post(url, {"key": "x-123456789012"}).status_code == 404
        assert not ConnectionJob.objects.exists()

    def test_another_organizations_key_is_not_put_into_use(self, world: World, org_admin: Desk) -> None:
        theirs = world.globex.organization.ashby_api_keys.get()
        url = reverse(
            "admin:integrations_organization_setup_use_key", args=[world.acme.organization.pk, theirs.pk]
        )
        assert org_admin.client.post(url).status_code == 404

    @pytest.mark.parametrize("address", ["ashby-key/save/", "test/ask/"])
    def test_looking_at_a_buttons_address_does_nothing(
        self, world: World, org_admin: Desk, address: str
    ) -> None:
        url = reverse(f"admin:{PAGE}", args=[world.acme.organization.pk]) + address
        assert org_admin.client.get(url).status_code == 405
        assert (
            org_admin.client.post(url.replace("ashby-key", "no-step").replace("test", "x")).status_code == 404
        )


def test_many_keys_packages_and_jobs_need_no_more_queries(
    world: World, org_admin: Desk, django_assert_max_num_queries
) -> None:
    acme = world.acme.organization
    for number in range(8):
        connect("Acme", slug="acme", ashby_key=f"ashby-key-number-{number}")
        map_job(acme, f"job-{number}", world.acme.basic)
    with django_assert_max_num_queries(30):
        org_admin.open(PAGE, acme.pk)
    assert basic(world.acme.verification_key) not in org_admin.html(PAGE, acme.pk)
