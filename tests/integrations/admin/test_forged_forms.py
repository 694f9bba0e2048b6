"""What an attacker from Acme posts: forms filled with rows of Globex, and changes of people and roles."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from integrations.models import JobPackageMapping, Membership
from tests.fixtures.admin import member
from tests.fixtures.admin_clicks import Browser, form, undone
from tests.fixtures.companies import Company
from tests.fixtures.two_tenants import TwoTenants, person
from tests.fixtures.world import World
from tests.integrations.admin.permission_table import cells


@pytest.fixture
def world(two_tenants: TwoTenants) -> World:
    return two_tenants.world


@pytest.fixture
def ada(own: Company, strange: Company, world: World) -> Browser:
    """Org admin of Acme, with every row of Globex's to aim at."""
    return Browser(person("org_admin", world))


class TestForgedForms:
    @pytest.mark.parametrize("role", ["org_admin", "both"])
    def test_a_form_filled_with_a_strangers_rows_touches_none_of_them(
        self, world: World, own, strange, role: str
    ) -> None:
        """Every page of Acme's rows that opens, with Globex's organization, package and person in it. No
        form opens for a support member alone."""
        browser, before = Browser(person(role, world)), strange.state()
        forged = form(strange) | {"reason": ""}
        for (group, about), wanted in cells().items():
            if group.startswith("integrations/") and wanted[role][0].startswith(("200", "405")):
                with undone():
                    browser.client.post(own.path(group + about.removeprefix(".")), forged)
                    assert strange.state() == before, (group, about)

    @pytest.mark.parametrize("across", [{}, {"select_across": "1"}], ids=["chosen", "all"])
    def test_no_action_reaches_a_row_that_is_not_listed(
        self, ada: Browser, own: Company, strange: Company, across: dict[str, str]
    ) -> None:
        """An org admin has every action that a support member has."""
        before = strange.state()
        for (group, about), wanted in cells().items():
            assert wanted["org_admin"][0] == "+" or wanted["helper"][0] != "+", about
            if about.startswith("action "):
                kind = group.split("/")[1]
                rows = [company.rows[kind].pk for company in (strange, own)]
                asked = {"action": about.removeprefix("action "), "_selected_action": rows, "apply": "yes"}
                with undone():
                    ada.client.post(f"/admin/{group}", form(own) | asked | across)
                    assert strange.state() == before, (group, about)

    def test_a_job_is_mapped_to_no_strangers_package(
        self, ada: Browser, own: Company, strange: Company
    ) -> None:
        own.rows["mapping"].delete()
        package, job = strange.rows["package"].pk, own.rows["job"].pk
        asked = {"action": "map_to_package", "_selected_action": [job], "package": package, "apply": "yes"}
        answer = ada.posts("/admin/integrations/job/", **asked)
        assert "Select a valid choice" in answer.page
        assert not answer.changed

    @pytest.mark.parametrize("forged", ["mapping", "job", "package"])
    def test_the_package_of_a_job_stays_within_the_organization(
        self, ada: Browser, own: Company, strange: Company, forged: str
    ) -> None:
        rows = {"mapping": own.rows["mapping"], "job": own.rows["job"], "package": own.rows["package"]}
        rows[forged] = strange.rows[forged]
        posted = {
            **form(own),
            "mapping-TOTAL_FORMS": 1,
            "mapping-INITIAL_FORMS": 1,
            "mapping-0-id": rows["mapping"].pk,
            "mapping-0-job": rows["job"].pk,
            "mapping-0-package": rows["package"].pk,
            "mapping-0-is_strict": "on",
        }
        before = strange.state(), list(JobPackageMapping.objects.order_by("pk").values())
        ada.client.post(f"/admin/integrations/job/{own.rows['job'].pk}/change/", posted)
        assert (strange.state(), list(JobPackageMapping.objects.order_by("pk").values())) == before

    def test_to_map_jobs_of_one_organization_is_not_enough_for_another(
        self, own: Company, strange: Company
    ) -> None:
        """A role of the operator's own making: its people keep the jobs of all organizations."""
        keepers = Group.objects.create(name="keeper of jobs")
        names = ["view_every_organization", "view_job", "change_job"]
        keepers.permissions.set(Permission.objects.filter(codename__in=names))
        mia = member("mia", own.organization)
        mia.groups.add(keepers)
        mapping, job = strange.rows["mapping"], strange.rows["job"]
        posted = {"mapping-TOTAL_FORMS": 1, "mapping-INITIAL_FORMS": 1, "mapping-0-id": mapping.pk}
        posted |= {"mapping-0-job": job.pk, "mapping-0-DELETE": "on"}
        posted["mapping-0-package"] = strange.rows["package"].pk
        Browser(mia).client.post(f"/admin/integrations/job/{job.pk}/change/", posted)
        assert JobPackageMapping.objects.filter(pk=mapping.pk).exists()


class TestPeople:
    def test_nobody_changes_their_own_role(self, own: Company, ada: Browser) -> None:
        path = f"/admin/integrations/membership/{Membership.objects.get(user=ada.user).pk}"
        for page in ("change", "delete"):
            answer = ada.posts(f"{path}/{page}/", **form(own))
            assert (answer.status, answer.changed) == (403, False)

    def test_the_last_admin_stays(self, own: Company, ada: Browser) -> None:
        """Whoever else is removed: who removes them is still there."""
        rows = list(Membership.objects.filter(organization=own.organization).values_list("pk", flat=True))
        posted = {"action": "remove_members", "_selected_action": rows, "select_across": "1"}
        page = ada.client.post("/admin/integrations/membership/", posted, follow=True).content.decode()
        assert "You cannot remove yourself." in page
        (left,) = Membership.objects.filter(organization=own.organization)
        assert (left.user, left.role) == (ada.user, "org admin")

    def test_an_org_admin_sets_nobodys_password(self, world: World, own: Company, ada: Browser) -> None:
        colleague_, operator = own.rows["user"], person("operator", world)
        for user in (colleague_, operator, ada.user):
            answer = ada.posts(f"/admin/auth/user/{user.pk}/password/", **form(own))
            assert (answer.status, answer.changed) == (403, False)

    def test_a_removed_member_loses_access_at_once(self, own: Company, ada: Browser) -> None:
        """Of Acme they see no more than of Globex. Without the membership nothing is left of the role."""
        assert "Zoë" in ada.asks("/admin/assessments/order/").page
        Membership.objects.filter(user=ada.user).delete()
        for (group, about), wanted in cells().items():
            if group == "the portal" or not wanted["org_admin"][0].startswith(("200", "405")):
                continue
            path = own.path(group + about.removeprefix("."))
            answer = ada.asks(path)
            assert answer.status in (302, 403, 404), path
            assert not answer.changed, path
            assert "+" not in wanted["org_admin"][0] or not ada.posts(path, **form(own)).changed, path
            assert not answer.names(["Acme", "Zoë", "Backend Engineer"]), path
        for path in ("/admin/", "/admin/notification-settings/", "/admin/integrations/"):
            assert not ada.asks(path).names(["Acme", "Zoë"]), path

    def test_a_deactivated_person_is_signed_out_at_once(self, ada: Browser) -> None:
        User.objects.filter(pk=ada.user.pk if ada.user else 0).update(is_active=False)
        assert ada.asks("/admin/assessments/order/").leads_to == "/admin/login/"
