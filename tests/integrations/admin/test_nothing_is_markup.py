"""Whatever Justifacts and Ashby send is text: every text field of both protocols carries markup, formulas,
template syntax and signs that turn letters, and every page of the admin is read as a browser would."""

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse

from assessments.models import Order
from integrations.admin.base import TenantModelAdmin
from integrations.catalog.mapping import map_job
from integrations.catalog.sync import sync_jobs, sync_packages
from integrations.connections.check import check
from integrations.models import CustomField
from tests.fixtures.admin import Desk
from tests.fixtures.world import World, data

TURNS = "\u202e"
UNSEEN = "\u200b"
ATTACK = (
    f"=1+1;=2{TURNS}{UNSEEN}<script>attack()</script>\"><img src=x onerror=attack()>' onmouseover='attack()"
    "</title></textarea></pre><!--{{7191*7}}{% now 'Y' %}{{ request.user }}javascript:attack()"
)
#: As far as it can stand in an address.
PLAIN = ATTACK.replace(TURNS, "").replace(UNSEEN, "")
SCRIPT = "%3Cscript%3Eattack()%3C/script%3E"
#: Elements that the portal's own pages have no reason to hold.
NEVER = {"iframe", "object", "embed", "base", "svg:script"}


def hostile(name: str) -> str:
    return f"{ATTACK}{name}"


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self._element = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._element = tag
        if tag in NEVER:
            self.wrong.append(f"<{tag}>")
        for name, value in attributes:
            if name.startswith("on"):
                self.wrong.append(f"{tag} {name}")
            leads = name in ("href", "src", "action", "formaction")
            # A picture is drawn and runs nothing: so is the square that an app reads.
            is_picture = (tag, name) == ("img", "src") and (value or "").startswith("data:image/svg+xml;")
            if (
                leads
                and not is_picture
                and re.match(r"[\s\x00-\x20]*(javascript|data|vbscript):", value or "", re.IGNORECASE)
            ):
                self.wrong.append(f"{tag} {name}={value}")
            if tag == "img" and value == "x":
                self.wrong.append("<img src=x>")

    def handle_data(self, text: str) -> None:
        if self._element in ("script", "style") and "attack()" in text:
            self.wrong.append(f"<{self._element}> {text[:60]}")

    def handle_endtag(self, tag: str) -> None:
        self._element = ""


@pytest.fixture
def attacked(world: World) -> Order:
    """Every call of both sides, each with the attack in every field that takes a text."""
    acme, envelope = world.acme, {"success": True}
    package = {name: hostile(name) for name in ("name", "description")}
    sold = {"assessment_type_id": f"JF-{ATTACK}"[:180], **package}
    known = [
        {"assessment_type_id": package.justifacts_id, "name": package.name, "description": ""}
        for package in (acme.basic, acme.executive)
    ]
    world.justifacts("assessment.list", {**envelope, "results": [*known, sold]})
    world.ashby(
        "job.list",
        {
            **envelope,
            "results": [
                {"id": "job-1", "title": hostile("title"), "status": "Open", "customRequisitionId": ATTACK}
            ],
            "moreDataAvailable": False,
        },
    )
    world.ashby(
        "apiKey.info", {**envelope, "results": {"title": hostile("key"), "scopes": [hostile("scope")]}}
    )
    sync_packages(acme.connection)
    sync_jobs(acme.connection)
    check(acme.connection)
    map_job(acme.organization, "job-1", acme.basic)
    CustomField.objects.create(organization=acme.organization, name="State", type="String")
    refusal = {
        "success": False,
        "errors": [hostile("code")],
        "errorInfo": {"code": hostile("code"), "message": hostile("message"), "requestId": hostile("id")},
    }
    world.ashby("assessment.update", refusal, headers={"x-ashby-request-id": "<script>attack()</script>"})
    order = world.start(
        candidate={
            "ashby_id": ATTACK[:190],
            "first_name": ATTACK[:190],
            "last_name": ATTACK[:190],
            "email": "zoe@example.com",
            "ashby_profile_url": "javascript:attack()",
        },
        application={"ashby_id": ATTACK[:190], "status": ATTACK[:190]},
        job={
            "ashby_id": "job-1",
            "name": hostile("job"),
            "req_id": ATTACK[:190],
            "ashby_job_url": "javascript:attack()",
            "hiringTeam": [{"userId": ATTACK, "firstName": ATTACK, "email": ATTACK, ATTACK: ATTACK}],
        },
        additional_fields={ATTACK: ATTACK},
        **{ATTACK: {ATTACK: [ATTACK]}},
    )
    world.work()
    world.justifacts("assessment.start", {**envelope, "results": {"assessment_id": "JF-1"}})
    world.work()
    profile = data("report", f"https://evil.test/{PLAIN.replace(' ', '')}", "url")
    completed = {"assessment_result": data("result", hostile("result")), "assessment_profile_url": profile}
    about = {"assessment_id": "JF-1", "reference_id": str(order.pk), "metadata": [data(ATTACK, ATTACK)]}
    for text, more in ((hostile("status"), {}), ("Applicant Started", {}), (hostile("status"), completed)):
        assert world.push(order, text, **about, **more).status_code == 200
    world.work()
    world.start()
    world.justifacts("assessment.start", refusal, 422)
    world.work()
    third, reason = world.start(), data("reason", hostile("reason"))
    assert world.push(third, None, assessment_id="JF-3", cancelled_reason=reason).status_code == 200
    world.work()
    world.call("/ashby/assessment.start", {"assessment_type_id": ATTACK, "candidate": ATTACK})
    world.call(f"/ashby/{ATTACK}", {ATTACK: ATTACK})
    order.refresh_from_db()
    assert (order.status, order.report_url[:18]) == ("complete", "https://evil.test/")
    return order


def pages(rows_of_each: int | None = None) -> Iterator[str]:
    """Every list, so many rows of it or all, and the pages beside them; of orders the oldest first, which has
    every text."""
    yield from ("/admin/", "/admin/notification-settings/", "/admin/integrations/", "/admin/assessments/")
    for model, model_admin in admin.site._registry.items():
        if not isinstance(model_admin, TenantModelAdmin):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield f"{reverse(f'{name}_changelist')}?q={SCRIPT}&organization={SCRIPT}"
        for number, row in enumerate(model._default_manager.reverse()[:rows_of_each]):
            # The other two name a row as its own page does.
            for page in ("change",) if number else ("change", "history", "delete"):
                yield reverse(f"{name}_{page}", args=[row.pk])
    for order in Order.objects.reverse()[:rows_of_each]:
        for action in ("retry", "poll", "link_existing", "resubmit", "resolve", "note", "cancel"):
            yield reverse(f"admin:assessments_order_{action}", args=[order.pk])
        for update in order.updates.all()[:rows_of_each]:
            for action in ("skip", "resend"):
                yield reverse(f"admin:assessments_order_{action}", args=[order.pk, update.pk])
        organization = order.organization_id
        yield reverse("admin:assessments_order_mapping_preview", args=[organization])
        yield reverse("admin:integrations_organization_setup", args=[organization])
        yield reverse("admin:integrations_organization_setup_live", args=[organization])


def test_every_page_shows_it_as_text(attacked: Order, operator: Desk, org_admin: Desk, support: Desk) -> None:
    """An operator reads every row. The others, whose pages have other fields and buttons, read one of each
    kind."""
    for desk, rows_of_each in ((operator, None), (org_admin, 1), (support, 1)):
        shown = 0
        for path in dict.fromkeys(pages(rows_of_each)):
            answer = desk.client.get(path)
            assert answer.status_code in (200, 302, 403, 404), path
            if answer.status_code != 200:
                continue
            text = answer.content.decode()
            shown += "attack()" in text
            assert Page(text).wrong == [], path
            assert str(7191 * 7) not in text, path
        assert shown > 15, "the attack is on the pages, as text"


def test_no_file_holds_a_formula(attacked: Order, operator: Desk) -> None:
    for name in ("assessments_order_export", "integrations_auditlogentry_export"):
        answer: Any = operator.client.get(reverse(f"admin:{name}"))
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        for separator in ",;":
            for row in csv.reader(io.StringIO(text), delimiter=separator):
                assert not [cell for cell in row if cell.lstrip(' "').startswith(("=", "+", "@"))]
