"""Every text that people read is marked for translation: in a language of wide letters, only data stays in
plain ones."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assessments.admin.orders.actions import ORDER_ACTIONS, UPDATE_ACTIONS
from assessments.models import AshbyUpdate, Heartbeat, NotificationPreference, Order
from assessments.notifications.dispatch import send_notifications
from integrations.accounts.invitations import mail_invitation
from integrations.admin.base import TenantModelAdmin
from integrations.models import (
    AuditLogEntry,
    Connection,
    CustomField,
    Job,
    Membership,
    Organization,
    Package,
    PreviousVerificationKey,
)
from tests.fixtures.admin import member
from tests.fixtures.admin_clicks import undone
from tests.fixtures.load_data import fill
from tests.fixtures.pseudo_locale import Data, speak_wide

pytestmark = pytest.mark.django_db


class Abroad:
    """An operator who uses the portal in the wide language."""

    def __init__(self, client: Client, data: Data) -> None:
        self.client, self.data = client, data

    def open(self, path: str) -> list[str]:
        """The unmarked texts of the page."""
        return self._read(self.client.get(path))

    def press(self, path: str, **posted: Any) -> list[str]:
        """The unmarked texts of the page that follows."""
        return self._read(self.client.post(path, posted, follow=True))

    def _read(self, answer: Any) -> list[str]:
        assert answer.status_code == 200, (answer.request["PATH_INFO"], answer.status_code)
        page = answer.content.decode()
        assert "Ａ" in page
        if unmarked := self.data.unmarked(page):
            self.data = Data()  # Rows written meanwhile are data too.
            unmarked = self.data.unmarked(page)
        return unmarked


@pytest.fixture(scope="module")
def _used_portal_of_module(django_db_setup: None, django_db_blocker) -> Iterator[tuple[Organization, Data]]:
    """Written, and its texts read, once, in a transaction around all tests of the module: that takes longer
    than most of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        fill(60)
        acme = Organization.objects.get(name="Acme")
        CustomField.objects.create(
            organization=acme,
            name="State",
            type="ValueSelect",
            possible_values=[{"key": "NY", "value": "New York"}],
        )
        member("Ada", acme)
        Heartbeat.beat("the worker", timezone.now())
        olga = User.objects.create_superuser("Olga", "olga@example.com", "x")
        NotificationPreference.objects.create(person=olga, digest=True)
        yield acme, Data()
        transaction.set_rollback(True)


@pytest.fixture
def used_portal(_used_portal_of_module: tuple[Organization, Data], db: None) -> Organization:
    """A portal that Acme and others have used for months."""
    return Organization.objects.get(pk=_used_portal_of_module[0].pk)


@pytest.fixture
def abroad(
    used_portal: Organization,
    _used_portal_of_module: tuple[Organization, Data],
    monkeypatch: pytest.MonkeyPatch,
) -> Abroad:
    client = Client()
    client.force_login(User.objects.get(username="Olga"))
    found = Abroad(client, _used_portal_of_module[1])
    speak_wide(monkeypatch)
    return found


def addresses(model: Any) -> list[str]:
    """The list of a model, its add form, and the page and history of one row."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    first = model._default_manager.first()
    found = [reverse(f"{name}_changelist")]
    if first is not None:
        found += [reverse(f"{name}_{page}", args=[first.pk]) for page in ("change", "history")]
    return found


def in_every_state() -> list[Order]:
    """One order in each state."""
    found = {}
    orders = Order.objects.select_related("organization__connection").prefetch_related("updates")
    for order in orders:
        undelivered = next((one for one in order.updates.all() if one.state in AshbyUpdate.UNDELIVERED), None)
        way = (order.status, order.next_call, order.attention_topic, order.call_failures > 0)
        paused = order.organization.connection.paused_at is not None
        found.setdefault((*way, order.status_unrecognized, paused, undelivered and undelivered.state), order)
    return list(found.values())


_NOT_ADDED_BY_HAND = (Package, AuditLogEntry, PreviousVerificationKey)


def test_lists_and_forms_are_translated(abroad: Abroad) -> None:
    # The audit log first: each form that is sent below adds an entry with the name of its page.
    registered = sorted(admin.site._registry.items(), key=lambda item: item[0] is not AuditLogEntry)
    for model, model_admin in registered:
        for path in addresses(model):
            assert abroad.open(path) == [], path
        add = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
        if "add" not in model_admin.forbidden:
            assert abroad.open(add) == [], add
            if isinstance(model_admin, TenantModelAdmin):
                assert abroad.press(add) == [], "left empty"


def test_custom_pages_are_translated(abroad: Abroad, used_portal: Organization) -> None:
    new = Organization.objects.create(name="Soylent", slug="soylent")
    for path in (
        reverse("admin:index"),
        f"{reverse('admin:index')}?organization=acme",
        *(reverse("admin:integrations_organization_setup", args=[each.pk]) for each in (used_portal, new)),
        *(
            reverse("admin:integrations_organization_setup_live", args=[each.pk])
            for each in (used_portal, new)
        ),
        reverse("admin:assessments_order_mapping_preview", args=[used_portal.pk]),
        reverse("notification_settings"),
        reverse("admin:password_change"),
        f"{reverse('admin:assessments_order_changelist')}?problem=attention",
    ):
        assert abroad.open(path) == [], path


def test_orders_in_every_state_are_translated(abroad: Abroad) -> None:
    orders = in_every_state()
    assert len(orders) > 10
    for order in orders:
        assert abroad.open(reverse("admin:assessments_order_change", args=[order.pk])) == []
    Connection.objects.update(is_enabled=False)
    # The one text about a disabled connection is part of the sentence about the next call.
    for order in {order.next_call: order for order in orders}.values():
        assert abroad.open(reverse("admin:assessments_order_change", args=[order.pk])) == []
    assert abroad.open(reverse("admin:assessments_order_changelist")) == []


def test_order_actions_are_translated(abroad: Abroad) -> None:
    orders = in_every_state()
    for action in ORDER_ACTIONS:
        offered = [order for order in orders if action.is_offered(order)]
        others = [order for order in orders if order not in offered]
        for number, order in enumerate((*offered[:2], *others[:1])):
            path = reverse(f"admin:assessments_order_{action.name.replace('-', '_')}", args=[order.pk])
            with undone():
                if number != 1:  # The form of the second is that of the first.
                    assert abroad.open(path) == []
                    assert abroad.press(path) == [], "without a reason"
                assert abroad.press(path, reason="Who knows", text="Who knows", number="JF-9") == []
    for action in UPDATE_ACTIONS:
        for update in AshbyUpdate.objects.order_by("state")[:: max(AshbyUpdate.objects.count() // 4, 1)]:
            path = reverse(
                f"admin:assessments_order_{action.name.replace('-', '_')}", args=[update.order_id, update.pk]
            )
            assert abroad.open(path) == []
            assert abroad.press(path, reason="Who knows") == []


def test_bulk_actions_are_translated(abroad: Abroad, used_portal: Organization) -> None:
    for model, model_admin in admin.site._registry.items():
        rows = [str(row.pk) for row in model._default_manager.all()[:2]]
        path = addresses(model)[0]
        for action in model_admin.actions or ():
            assert abroad.press(path, action=str(action), **{ACTION_CHECKBOX_NAME: rows}) == [], action
    jobs = [str(job.pk) for job in Job.objects.filter(organization=used_portal)[:2]]
    chosen = {"action": "map_to_package", ACTION_CHECKBOX_NAME: jobs}
    package = used_portal.packages.all()[0].pk
    path = reverse("admin:integrations_job_changelist")
    assert abroad.press(path, **chosen, preview="1") == []
    assert abroad.press(path, **chosen, package=package, preview="1") == []
    assert abroad.press(path, **chosen, package=package, apply="1") == []


def test_refusals_are_translated(abroad: Abroad, used_portal: Organization) -> None:
    def save(step: str, **given: str) -> list[str]:
        return abroad.press(
            reverse("admin:integrations_organization_setup_save", args=[used_portal.pk, step]), **given
        )

    assert save("ashby-key", key="with blanks in it") == []
    assert save("ashby-key", key="a-new-key-0123456789", name="New one") == []
    assert save("base-url", staging_base_url="nowhere") == []
    assert save("base-url", staging_base_url="https://who:secret@justifacts.test/") == []
    invite = reverse("admin:integrations_membership_add")
    given = {"organization": used_portal.pk, "role": "org admin"}
    assert abroad.press(invite, **given, email="Ada@example.com") == []
    field = reverse("admin:integrations_customfield_add")
    given = {"organization": used_portal.pk, "name": "Office", "position": 0}
    assert abroad.press(field, **given, type="ValueSelect") == []
    assert abroad.press(field, **given, type="String", possible_values="New York") == []
    assert abroad.press(field, **given, type="ValueSelect", possible_values="New York\nNew York") == []


def test_sign_in_pages_are_translated(abroad: Abroad) -> None:
    abroad.client.logout()
    for name in ("admin:login", "admin_password_reset", "password_reset_done", "password_reset_complete"):
        assert abroad.open(reverse(name)) == [], name
    assert abroad.open(reverse("password_reset_confirm", args=["x", "y"])) == []
    assert abroad.press(reverse("admin:login"), username="Olga", password="wrong") == []  # nosec B106 # noqa: S106 - of an account that only the test has
    assert abroad.press(reverse("admin_password_reset"), email="olga@example.com") == []


def test_mails_are_translated(abroad: Abroad) -> None:
    mail_invitation(Membership.objects.all()[0])
    assert send_notifications(timezone.now()) > 0
    assert len({message.subject for message in mail.outbox}) > 2
    for message in mail.outbox:
        for line in (message.subject, *message.body.splitlines()):
            assert abroad.data.unmarked(line) == []


def test_an_unmarked_text_is_found(abroad: Abroad) -> None:
    """Proves that the check works: it finds an unmarked word, and an unmarked part of a marked sentence."""
    unmarked = Data().unmarked
    assert unmarked("<p>Ｃｈｅｃｋｓ of Acme</p>") == ["Ｃｈｅｃｋｓ of Acme"]
    assert unmarked("<p>Ｃｈｅｃｋｓ Acme</p><script>never read</script><pre>{'as': 'sent'}</pre>") == []
    assert unmarked('<a aria-label="Copy">Acme</a><input type="submit" value="Save">') == ["Copy", "Save"]
    assert unmarked("<td>Received</td>") == ["Received"]
