"""An org's admin, who never saw a UUID, connects the organization on one page."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

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
