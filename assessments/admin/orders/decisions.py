"""The two actions for when Justifacts contradicts itself about the order number or the result."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.admin.orders.action import ActionRequest, OrderAction
from assessments.models import AshbyUpdate, Order
from assessments.tracking.after_end_effects import accept_result, can_accept_result
from assessments.tracking.order_number import accept_new_number, can_accept_number


def _take_number(request: ActionRequest) -> str:
    number = accept_new_number(request.order.pk, request.actor, request.reason)
    return _("The order number is now %(number)s.") % {"number": number}


def _take_result(request: ActionRequest) -> str:
    result = accept_result(request.order.pk, request.actor, request.reason)
    return _("The result is now %(result)s. The portal sends it to Ashby.") % {"result": result}


def _explain_take_number(order: Order, update: AshbyUpdate | None) -> str:
    return _(
        "Use this when Justifacts confirms that %(offered)s replaces %(number)s. The "
        "portal then polls and cancels under %(offered)s. Ashby’s card shows the new "
        "number with the next update. Messages under %(number)s are still accepted."
    ) % {"offered": order.offered_order_number, "number": order.justifacts_order_id}


def _explain_take_result(order: Order, update: AshbyUpdate | None) -> str:
    other = order.asked_about
    return _(
        "Use this when Justifacts confirms that “%(status)s” with the result “%(other)s” "
        "is correct, although its timestamp is older. It replaces the result “%(result)s”, "
        "and the portal sends it to Ashby immediately."
    ) % {
        "status": other.get("text", ""),
        "other": other.get("result") or order.result,
        "result": order.result,
    }


TAKE_NUMBER = OrderAction(
    "take-number",
    gettext_lazy("Accept the new order number"),
    "resolve_unknown_placement",
    _explain_take_number,
    _take_number,
    lambda order, update: can_accept_number(order),
)

TAKE_RESULT = OrderAction(
    "take-result",
    gettext_lazy("Accept the other result"),
    "resolve_unknown_placement",
    _explain_take_result,
    _take_result,
    lambda order, update: can_accept_result(order),
    is_destructive=True,
)
