"""Where a report is: what is taken from Justifacts, and whether the portal's pages make a link of it. No
report is ever fetched by the portal."""

from dataclasses import dataclass

from assessments.models import Order, OrderEvent
from assessments.orders.transaction import record_event_once
from assessments.outbox.compose import order_url
from integrations.http.urls import link_refusal, parse_url
from integrations.partner_protocol.messages import Data

_LONGEST = 2000


@dataclass(frozen=True)
class Report:
    """``why_no_link``: a sentence for people where the address is shown as text; else empty."""

    address: str
    why_no_link: str = ""


def parse_report(order: Order, address: str) -> Report | None:
    """For a page of the order; None where there is no report. The portal's own page is always a link."""
    if not address:
        return None
    if address == order_url(order):
        return Report(address)
    connection = getattr(order.organization, "connection", None)
    hosts = connection.hosts_of_reports if connection else []
    return Report(address, str(link_refusal(address, hosts)))


def url_in(data: Data | None) -> str:
    """The report's address as Justifacts says it, if it is a plain web address; else nothing."""
    value = str(data.value).strip() if data else ""
    return value if len(value) <= _LONGEST and parse_url(value) else ""


def take_report_url(order: Order, data: Data | None) -> str:
    """The same; what is not taken is written into the order's history, without its words."""
    address = url_in(data)
    if data and not address:
        record_event_once(
            order,
            OrderEvent.Source.PORTAL,
            OrderEvent.Kind.REPORT_URL_REJECTED,
            "The report's address that Justifacts gave was not taken, because it is no plain web address "
            "(https:// and a server's name, without a password). Ask Justifacts for the right one.",
        )
    return address
