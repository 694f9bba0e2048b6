"""An org's admin says which job gets which package, and what Ashby asks for."""

from typing import Any

import pytest

from integrations.catalog.mapping import set_default_package
from integrations.models import CustomField, Job, JobPackageMapping, Package
from integrations.partner_protocol.responses import CUSTOM_FIELD_TYPES
from tests.fixtures.admin import Desk
from tests.fixtures.world import World

PACKAGE = "integrations_package_change"


class TestPackages:
    def test_another_default_takes_the_firsts_place(self, world: World, desk: Desk) -> None:
        set_default_package(world.acme.organization, world.acme.basic)
        desk.press(PACKAGE, world.acme.executive.pk, is_active="on", is_default="on")
        assert list(Package.objects.filter(is_default=True)) == [world.acme.executive]
        desk.press(PACKAGE, world.acme.executive.pk, is_active="on")
        assert not Package.objects.filter(is_default=True).exists()

    def test_a_package_is_switched_off_and_named_for_ashby(self, world: World, desk: Desk) -> None:
        desk.press(PACKAGE, world.acme.basic.pk, ashby_name="Standard")
        world.acme.basic.refresh_from_db()
        assert (world.acme.basic.label, world.acme.basic.is_offered) == ("Standard", False)

    def test_the_text_of_justifacts_stays(self, world: World, desk: Desk) -> None:
        desk.press(PACKAGE, world.acme.basic.pk, is_active="on", name="Mine", justifacts_id="X")
        world.acme.basic.refresh_from_db()
        assert (world.acme.basic.name, world.acme.basic.justifacts_id) == ("Basic", "JF-acme-1")


class TestMapping:
    @pytest.fixture
    def job(self, world: World) -> Job:
        return Job.objects.create(organization=world.acme.organization, ashby_id="job-1", title="Baker")

    def of_job(self, package: Package, **changes: Any) -> dict[str, Any]:
        counts = {"mapping-TOTAL_FORMS": 1, "mapping-INITIAL_FORMS": 0}
        return {**counts, "mapping-0-package": package.pk, **changes}

    def test_a_job_gets_its_package_on_its_page(self, world: World, job: Job, desk: Desk) -> None:
        page = desk.html("integrations_job_change", job.pk)
        assert f'<option value="{world.acme.basic.pk}">' in page
        assert f'<option value="{world.globex.basic.pk}">' not in page
        given = self.of_job(world.acme.executive, **{"mapping-0-is_strict": "on"})
        desk.press("integrations_job_change", job.pk, **given)
        mapping = JobPackageMapping.objects.get()
        assert (mapping.package, mapping.is_strict) == (world.acme.executive, True)
        assert "Executive strict" in desk.open("integrations_job_changelist")

    def test_another_organizations_package_is_refused(self, world: World, job: Job, desk: Desk) -> None:
        page = desk.press("integrations_job_change", job.pk, **self.of_job(world.globex.basic))
        assert "Please correct the error below." in page
        assert not JobPackageMapping.objects.exists()

    def test_a_job_that_was_not_fetched_is_added(self, world: World, desk: Desk) -> None:
        desk.press(
            "integrations_job_add", organization=world.acme.organization.pk, ashby_id="job-9", title=""
        )
        assert Job.objects.get().ashby_id == "job-9"


class TestCustomFields:
    def add(self, world: World, desk: Desk, **changes: Any) -> str:
        given = {
            "organization": world.acme.organization.pk,
            "name": "State",
            "type": "String",
            "possible_values": "",
            "position": "0",
        }
        return desk.press("integrations_customfield_add", **{**given, **changes})

    def test_a_field_without_choices_is_added(self, world: World, desk: Desk) -> None:
        self.add(world, desk)
        assert CustomField.objects.get().possible_values == []

    def test_choices_are_lines(self, world: World, desk: Desk) -> None:
        self.add(world, desk, type="ValueSelect", possible_values="CA: California\n\n Nevada \n")
        field = CustomField.objects.get()
        assert field.as_json()["possible_values"] == [
            {"key": "CA", "value": "California"},
            {"key": "Nevada", "value": "Nevada"},
        ]
        page = desk.html("integrations_customfield_change", field.pk)
        assert "CA: California\nNevada</textarea>" in page

    @pytest.mark.parametrize("type", CUSTOM_FIELD_TYPES)
    def test_each_of_ashbys_types_can_be_asked(self, world: World, desk: Desk, type: str) -> None:
        choices = "Yes\nNo" if "Select" in type else ""
        self.add(world, desk, type=type, possible_values=choices)
        answer = world.call("/ashby/assessment.customField.list", {})
        assert [field["type"] for field in answer.json()["fields"]] == [type]

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"type": "ValueSelect"}, "A field to choose from needs values."),
            ({"possible_values": "a: b"}, "Only the two ValueSelect types"),
            ({"type": "ValueSelect", "possible_values": "a\na"}, "Two choices are the same."),
        ],
    )
    def test_each_problem_is_reported(
        self, world: World, desk: Desk, changes: dict[str, str], says: str
    ) -> None:
        assert says in self.add(world, desk, **changes)
        assert not CustomField.objects.exists()

    def test_each_type_says_what_the_recruiter_gives(self, desk: Desk) -> None:
        page = desk.open("integrations_customfield_add")
        assert "Choice of one – one of the choices below" in page
        assert page.count(" – ") == len(CUSTOM_FIELD_TYPES)

    def test_the_page_shows_how_it_is_asked(self, world: World, desk: Desk) -> None:
        self.add(world, desk, type="ValueSelect", possible_values="CA: California\nNevada", is_required="on")
        page = desk.open("integrations_customfield_change", CustomField.objects.get().pk)
        assert "State required California Nevada" in page

    def test_the_only_organization_of_a_person_is_preselected(self, world: World, org_admin: Desk) -> None:
        page = org_admin.html("integrations_customfield_add")
        assert f'<option value="{world.acme.organization.pk}" selected>' in page
        assert "Globex" not in page

    def test_a_name_twice_is_a_form_error(self, world: World, desk: Desk) -> None:
        self.add(world, desk)
        assert "already exists" in self.add(world, desk)
