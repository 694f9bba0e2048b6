"""The list of packages: what Ashby is offered, and what switching one off does."""

from datetime import UTC, datetime

from integrations.catalog.mapping import map_job, set_default_package
from integrations.models import Job, Package
from tests.fixtures.admin import Desk
from tests.fixtures.world import World


class TestPackages:
    LIST = "integrations_package_changelist"

    def test_the_list_says_what_ashby_is_offered(self, world: World, org_admin: Desk) -> None:
        assert "2 packages are offered in Ashby." in org_admin.open(self.LIST)
        org_admin.act("integrations_package", "make_default", world.acme.basic)
        assert "2 packages are offered in Ashby and “Package for this job”." in org_admin.open(self.LIST)
        org_admin.act("integrations_package", "switch_off", world.acme.executive)
        assert "1 package is offered in Ashby and" in org_admin.open(self.LIST)

    def test_a_package_that_is_no_longer_sold_says_since_when(self, world: World, org_admin: Desk) -> None:
        since = datetime(2026, 3, 14, tzinfo=UTC)
        Package.objects.filter(pk=world.acme.basic.pk).update(withdrawn_at=since)
        page = org_admin.open(self.LIST)
        assert "Basic no longer sold since 2026-03-14" in page
        assert "1 package is offered in Ashby." in page
        assert "1 package" in org_admin.open(self.LIST, sold="no")
        assert "JF-acme-1" not in org_admin.open(self.LIST, sold="yes")

    def test_packages_stand_by_the_name_that_ashby_shows(self, world: World, org_admin: Desk) -> None:
        Package.objects.filter(pk=world.acme.basic.pk).update(ashby_name="Standard")
        page = org_admin.open(self.LIST)
        assert page.index("JF-acme-2") < page.index("JF-acme-1")

    def test_switching_off_says_what_then_happens(
        self, world: World, jobs: list[Job], org_admin: Desk
    ) -> None:
        map_job(world.acme.organization, "job-1", world.acme.basic)
        set_default_package(world.acme.organization, world.acme.basic)
        said = org_admin.act("integrations_package", "switch_off", world.acme.basic)
        assert "1 job is mapped to “Basic”, which is not offered" in said
        assert "is the default package but is not offered" in said
        said = org_admin.act("integrations_package", "make_default", world.acme.basic)
        assert "is not offered; choose another default package" in said

    def test_another_organizations_package_is_left_alone(self, world: World, org_admin: Desk) -> None:
        org_admin.act("integrations_package", "switch_off", world.globex.basic)
        world.globex.basic.refresh_from_db()
        assert world.globex.basic.is_active
