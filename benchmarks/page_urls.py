"""The portal's pages over orders: ``python -m benchmarks.inside page_urls`` prints the path of each by its
name, as JSON, and creates the two people who open them."""

import json
from urllib.parse import urlencode

from django.contrib.auth.models import Group, User

from assessments.admin.orders.filters import ProblemFilter, StartedFilter
from assessments.admin.private_search import sealed
from assessments.models import CallAttempt, InboundRequest, Order
from assessments.statuses import RESULTS, Status
from benchmarks.pages import ORG_ADMIN, SUPPORT
from integrations.models import Membership, Organization, Package

_ORDERS = "/admin/assessments/order/"


def main() -> None:
    large = Organization.objects.order_by("pk")[0]
    support, is_new = User.objects.get_or_create(username=SUPPORT, is_staff=True)
    if is_new:
        admin = User.objects.create(username=ORG_ADMIN, is_staff=True)
        Membership.objects.create(user=admin, organization=large)
        support.groups.add(Group.objects.get(name="support"))
        for person in (support, admin):
            person.set_password(person.username)
            person.save()
    print(json.dumps(_pages(large)))


def _pages(large: Organization) -> dict[str, str]:
    order = Order.objects.filter(organization=large, status=Status.IN_PROCESS)[60]
    package = Package.objects.filter(organization=large)[0]
    parameters: dict[str, dict[str, object]] = {
        "orders": {},
        "orders, page 150": {"p": 150},
        "orders, page 600": {"p": 600},
        "orders by age": {"o": 5},
        "orders by age, longest first": {"o": -5},
        "orders by status": {"o": 4},
        "orders by job": {"o": 3},
        "orders by next step": {"o": 6},
        "orders of one organization": {"organization": large.slug},
        "orders of a small organization": {"organization": Organization.objects.latest("pk").slug},
        **{f"problem {value}": {"problem": value} for value in ProblemFilter.options},
        **{f"status {value}": {"status": value} for value in Status.values},
        **{f"result {value}": {"result": value} for value in (*RESULTS, "other")},
        **{f"started {value}": {"started": value} for value in StartedFilter._DAYS},
        "package": {"package": package.pk},
        "job": {"job": order.job_id},
        "package and status": {"package": package.pk, "status": "in_process"},
        "status by age": {"status": "complete", "o": -5},
    }
    searches = {
        "first name": order.candidate_first_name,
        "last name": order.candidate_last_name,
        "whole name": order.candidate_name,
        "unknown name": "Xylophonia Quark",
        "e-mail": order.candidate_email,
        "number": order.justifacts_order_id,
        "beginning of a number": order.justifacts_order_id[:-2],
        "id": str(order.pk),
        "beginning of an id": str(order.pk)[:8],
        "application": order.application_id,
        "candidate id": order.candidate_id,
        "job": order.job_name.split()[0],
        "name and job": f"{order.candidate_last_name} {order.job_name.split()[0]}",
    }
    attempt = CallAttempt.objects.latest("pk")
    inbound = InboundRequest.objects.filter(organization=large).latest("pk")
    logs = {
        "updates": "ashbyupdate/",
        "updates, page 90": "ashbyupdate/?p=90",
        **{
            f"updates {state}": f"ashbyupdate/?state={state}" for state in ("waiting", "refused", "set_aside")
        },
        "attempts": "callattempt/",
        **{f"attempts {call}": f"callattempt/?call={call}" for call in CallAttempt.Call.values},
        "attempts, one request": f"callattempt/?q={attempt.request_id or 'none'}",
        "events": "orderevent/",
        **{f"events of {source}": f"orderevent/?source={source}" for source in ("ashby", "person")},
        "inbound requests": "inboundrequest/",
        "inbound, one request": f"inboundrequest/?q={inbound.request_id}",
        "inbound of justifacts": "inboundrequest/?source=justifacts",
    }
    return {
        "dashboard": "/admin/",
        **{name: f"{_ORDERS}?{urlencode(values)}" for name, values in parameters.items()},
        **{
            f"search by {name}": f"{_ORDERS}?{urlencode({'q': sealed(text)})}"
            for name, text in searches.items()
        },
        "export": f"{_ORDERS}export/",
        "export, stalled": f"{_ORDERS}export/?problem=stalled",
        "export, one name": f"{_ORDERS}export/?{urlencode({'q': sealed(order.candidate_name)})}",
        "an order": f"{_ORDERS}{order.pk}/change/",
        **{name: f"/admin/assessments/{path}" for name, path in logs.items()},
    }
