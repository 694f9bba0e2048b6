"""The URL of a report: whether the portal accepts it from Justifacts, and whether its pages show it as a
link. The portal never fetches a report."""

from dataclasses import dataclass

from assessments.models import Order, OrderEvent
from assessments.orders.transaction import record_event_once
from assessments.outbox.compose import order_url
from integrations.http.urls import link_refusal, parse_url
from integrations.partner_protocol.messages import Data

_LONGEST = 2000


@dataclass(frozen=True)
class Report:
    """``why_no_link``: why the address is shown as text, in a sentence for people; empty for a link."""

    address: str
    why_no_link: str = ""


def parse_report(order: Order, address: str) -> Report | None:
    """The report for a page of the order; None without a report. The portal's own page is always a link."""
    if not address:
        return None
    if address == order_url(order):
        return Report(address)
    connection = getattr(order.organization, "connection", None)
    hosts = connection.hosts_of_reports if connection else []
    return Report(address, str(link_refusal(address, hosts)))


def url_in(data: Data | None) -> str:
    """The report's address from Justifacts if it is a plain web address; otherwise an empty text."""
    value = str(data.value).strip() if data else ""
    return value if len(value) <= _LONGEST and parse_url(value) else ""


def accept_report_url(order: Order, data: Data | None) -> str:
    """The same; the history records that an address was not accepted, without quoting it."""
    address = url_in(data)
    if data and not address:
        text = (
            "The report's address from Justifacts was not accepted, because it is not a plain web address "
            "(https:// and a server's name, without a password). Ask Justifacts for the right one."
        )
        record_event_once(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.REPORT_URL_REJECTED, text)
    return address
