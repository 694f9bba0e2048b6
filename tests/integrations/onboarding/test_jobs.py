"""Testing a connection and fetching its lists, in the background, from the set-up page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Connection, ConnectionJob, Organization
from integrations.onboarding import jobs as connection_jobs
from tests.fixtures.admin import Desk
from tests.fixtures.world import World

PAGE = "integrations_organization_setup"


SAVE = "integrations_organization_setup_save"
ASK = "integrations_organization_setup_ask"


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
