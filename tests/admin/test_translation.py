"""Every text for people is marked for translation: under a language that puts ⟦ ⟧ around each message,
what stands outside of them is data."""

import html
import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import trans_real

from assessments.models import Attempt, Order
from integrations import errands
from integrations.catalogue import map_job
from integrations.models import CustomField, Errand
from tests.admin.conftest import Desk, member
from tests.world import World

#: What is data, the portal's own name, or a name of Ashby's and Justifacts' that stays as it is.
DATA = re.compile(
    r"The Basic check|Applicant Started|Acme|Globex|Zo[ëe]|O'Neil|zoe\.oneil@example\.com"
    r"|Basic|Executive|Backend Engineer|job-1|JF-[\w-]+"
    r"|Assessment portal|Ashby|Justifacts|admin|ada(@example\.com)?|State|https?://\S+|[0-9a-f]{4,}[0-9a-f-]*"
    r"|\d+|UTC|ms|HTTP|[•·–…:;,.()“”‘’/|›+?!%✓×-]|org-admin|ashby-\w+|verify-\w+|•+\w{4}|String|CSV|ID"
    r"|Clear|Review|Adverse"
)
# The history is kept as it was written, and so are bodies and findings that were stored.
STORED = re.compile(
    r'<(pre)\b.*?</\1>|<span class="moment-what">.*?</span>|<(code)\b.*?</\2>|<(script|style)\b.*?</\3>'
    r"|<time\b.*?</time>|<li class=\"finding.*?</li>|<title>.*?</title>"
    r"|<p class=\"trouble\">.*?</p>|<article.*?</article>"
    r"|<t[dh] class=\"field-(?:summary|outcome|name|label|order|__str__)[^>]*>.*?</t[dh]>",
    re.DOTALL,
)


class Pseudo:
    """A catalogue in which every message is there."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧" if message.strip() else message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return f"⟦{singular if number == 1 else plural}⟧"

    def __getitem__(self, message: str) -> str:
        return self.gettext(message.rpartition("\x04")[2])

    def get(self, message: str, default: Any = None) -> str:
        return self[message]

    def plural(self, message: str, number: int) -> str:
        raise KeyError


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Pseudo()

    def gettext(message: str) -> str:
        return catalogue.gettext(str(message))

    for name, function in {
        "gettext": gettext,
        "pgettext": lambda context, message: gettext(message),
        "ngettext": catalogue.ngettext,
        "npgettext": lambda context, singular, plural, number: catalogue.ngettext(singular, plural, number),
    }.items():
        monkeypatch.setattr(trans_real, name, function)
        monkeypatch.setattr(translation._trans, name, function, raising=False)


def unmarked(page: str) -> list[str]:
    """Words of a page that are neither a message nor data."""
    page = page.partition('<div id="header">')[2] or page
    page = STORED.sub(" ", page)
    page = re.sub(r"<(option|textarea)\b[^>]*>(?=[^⟦]*</\1>).*?</\1>", " ", page, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", "\n", page))
    while re.search("⟦[^⟦⟧]*⟧", text):
        text = re.sub("⟦[^⟦⟧]*⟧", " ", text)
    lines = (DATA.sub(" ", line).strip() for line in text.splitlines())
    return [line for line in lines if re.search(r"[^\W\d_]{2}", line)]


@pytest.fixture
def pages(world: World, desk: Desk) -> list[str]:
    world.portal_is_public()
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Applicant Started")
    world.work()
    Attempt.objects.create(order=order, call="cancel", outcome="unknown", message="Stored.")
    acme = world.acme.organization
    map_job(acme, "job-1", world.acme.basic)
    CustomField.objects.create(organization=acme, name="State", type="String")
    member("ada", acme)
    errands.ask(acme, Errand.Kind.PACKAGES, "admin")
    update = order.updates.first()
    assert update
    return [
        *(reverse(name) for name in ("my_notices", "admin_password_reset", "password_reset_done")),
        *(
            reverse(f"admin:{name}")
            for name in (
                *("index", "assessments_order_changelist", "integrations_organization_changelist"),
                *("integrations_package_changelist", "integrations_job_changelist", "password_change"),
                *("integrations_customfield_changelist", "integrations_customfield_add"),
                *("integrations_membership_changelist", "integrations_membership_add"),
                *("integrations_connection_changelist", "integrations_ashbyapikey_changelist"),
                *("integrations_ashbyapikey_add", "assessments_update_changelist"),
                *("assessments_event_changelist", "assessments_inboundcall_changelist"),
            )
        ),
        *(
            reverse(f"admin:assessments_order_{action}", args=[order.pk])
            for action in ("change", "retry", "poll", "resolve", "note", "cancel", "adopt", "place_again")
        ),
        reverse("admin:assessments_order_resend", args=[order.pk, update.pk]),
        reverse("admin:assessments_order_dry_run", args=[acme.pk]),
        reverse("admin:integrations_organization_setup", args=[acme.pk]),
        reverse("admin:integrations_connection_change", args=[acme.connection.pk]),
        reverse("admin:integrations_package_change", args=[world.acme.basic.pk]),
        reverse("admin:integrations_job_change", args=[acme.jobs.get().pk]),
    ]


def test_no_page_has_an_unmarked_text(pages: list[str], desk: Desk, pseudo: None) -> None:
    found = {address: unmarked(desk.client.get(address).content.decode()) for address in pages}
    assert {address: lines for address, lines in found.items() if lines} == {}
    assert Order.objects.count() == 1


def test_the_rule_finds_what_is_not_marked() -> None:
    assert unmarked("<p>⟦Where is ⟦my⟧ check⟧ Acme 12</p>") == []
    assert unmarked("<p>Where is my check</p>") == ["Where is my check"]
