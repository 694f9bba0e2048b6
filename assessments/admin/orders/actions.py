"""The actions that staff may perform on an order and on its updates."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assessments.admin.orders.action import (
    CancelForm,
    LinkForm,
    NoInputForm,
    NoteForm,
    OrderAction,
    by_reason,
)
from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.orders.staff import NotPossible
from assessments.privacy.eligibility import lift_hold, place_hold
from assessments.support.decisions import (
    add_note,
    can_be_resubmitted,
    cancel_by_staff,
    is_placement_unknown,
    link_existing_order,
    resolve_attention,
    resubmit_order,
    why_unresolvable,
)
from assessments.support.retry import can_be_polled, poll_now, resend_updates, retry, skip_update
from assessments.tracking.after_end_effects import accept_result, can_accept_result
from assessments.tracking.order_number import accept_new_number, can_accept_number


def _retry(order: Order, actor: str, data: dict[str, Any]) -> str:
    done = retry(order.pk, actor)
    if not done:
        raise NotPossible(_("This order has no pending work."))
    return _("The portal will %(what)s.") % {"what": _(" and ").join(done)}


def _poll(order: Order, actor: str, data: dict[str, Any]) -> str:
    if not poll_now(order.pk, actor):
        raise NotPossible(_("There is nothing to request from Justifacts."))
    return _("The portal is requesting the status from Justifacts now.")


def _cancel(order: Order, actor: str, data: dict[str, Any]) -> str:
    cancel_by_staff(order.pk, actor, data["reason"], timezone.now())
    return _("The check has been cancelled. The portal is informing Ashby and Justifacts.")


def _link_existing(order: Order, actor: str, data: dict[str, Any]) -> str:
    link_existing_order(order.pk, data["number"], actor, data["reason"])
    text = _("The order is now linked to Justifacts order %(number)s. The portal is requesting its status.")
    return text % {"number": data["number"].strip()}


def _note(order: Order, actor: str, data: dict[str, Any]) -> str:
    add_note(order.pk, data["text"], actor)
    return _("The note has been added to the timeline.")


def _resend(update: AshbyUpdate, actor: str, data: dict[str, Any]) -> str:
    count = resend_updates(update.pk, actor, data["reason"])
    text = ngettext(
        "%(count)d update is being sent to Ashby again.",
        "%(count)d updates are being sent to Ashby again.",
        count,
    )
    return text % {"count": count}


def _skip(update: AshbyUpdate, actor: str, data: dict[str, Any]) -> str:
    what = {"what": update.summary}
    if not skip_update(update.pk, actor, data["reason"]):
        raise NotPossible(_("“%(what)s” cannot be skipped: it is not pending.") % what)
    return _("“%(what)s” has been skipped.") % what


def _cancelled_at_justifacts(order: Order) -> str:
    if not order.justifacts_order_id:
        return _("If Justifacts turns out to have the order, the portal cancels it there.")
    text = _("The portal cancels order %(number)s at Justifacts. Justifacts may bill the work done so far.")
    return text % {"number": order.justifacts_order_id}


def _has_pending_work(order: Order) -> bool:
    waits = any(update.state in AshbyUpdate.UNDELIVERED for update in order.updates.all())
    return waits or order.next_call not in (PendingCall.NONE, PendingCall.POLL)


ORDER_ACTIONS = (
    OrderAction(
        "retry",
        gettext_lazy("Retry now"),
        "retry_order",
        gettext_lazy(
            "The portal retries all pending work of this order now: calls to Justifacts and updates for "
            "Ashby. If Justifacts may already have the order, the portal looks it up and never "
            "places it a second time."
        ),
        _retry,
        _has_pending_work,
        NoInputForm,
    ),
    OrderAction(
        "poll",
        gettext_lazy("Poll now"),
        "poll_order",
        gettext_lazy("The portal requests the order’s status from Justifacts now."),
        _poll,
        can_be_polled,
        NoInputForm,
    ),
    OrderAction(
        "link-existing",
        gettext_lazy("Link existing Justifacts order"),
        "resolve_unknown_placement",
        gettext_lazy(
            "Use this when Justifacts tells you that it has an order with the reference %(reference)s. The "
            "portal links that order, requests its status and continues normally."
        ),
        _link_existing,
        is_placement_unknown,
        LinkForm,
        values=lambda order: {"reference": order.pk},
    ),
    OrderAction(
        "resubmit",
        gettext_lazy("Resubmit order"),
        "resolve_unknown_placement",
        gettext_lazy(
            "Use this only when Justifacts tells you that it has no order with the reference %(reference)s. "
            "The portal sends the order to Justifacts again. If Justifacts does have the first one, the "
            "candidate is checked twice and both checks are billed."
        ),
        by_reason(resubmit_order, gettext_lazy("The order is being resubmitted to Justifacts.")),
        can_be_resubmitted,
        is_destructive=True,
        values=lambda order: {"reference": order.pk},
    ),
    OrderAction(
        "take-number",
        gettext_lazy("Accept the new order number"),
        "resolve_unknown_placement",
        gettext_lazy(
            "Use this when Justifacts confirms that %(offered)s replaces %(number)s. The portal then polls "
            "and cancels under %(offered)s. Ashby’s card shows the new number with the next update. "
            "Messages under %(number)s are still accepted."
        ),
        by_reason(accept_new_number, gettext_lazy("The order number is now %(result)s.")),
        can_accept_number,
        values=lambda order: {"offered": order.offered_order_number, "number": order.justifacts_order_id},
    ),
    OrderAction(
        "take-result",
        gettext_lazy("Accept the other result"),
        "resolve_unknown_placement",
        gettext_lazy(
            "Use this when Justifacts confirms that “%(status)s” with the result “%(other)s” is correct, "
            "although its timestamp is older. It replaces the result “%(result)s”, and the portal sends it "
            "to Ashby immediately."
        ),
        by_reason(accept_result, gettext_lazy("The result is now %(result)s. The portal sends it to Ashby.")),
        can_accept_result,
        is_destructive=True,
        values=lambda order: {
            "status": order.asked_about.get("text", ""),
            "other": order.asked_about.get("result") or order.result,
            "result": order.result,
        },
    ),
    OrderAction(
        "resolve",
        gettext_lazy("Resolve"),
        "resolve_order",
        gettext_lazy(
            "Confirm that this is settled: “%(question)s” The order is removed from the list of orders that "
            "need attention."
        ),
        by_reason(resolve_attention, gettext_lazy("Resolved. The order no longer needs attention.")),
        lambda order: not why_unresolvable(order),
        values=lambda order: {"question": order.attention_reason},
    ),
    OrderAction(
        "note",
        gettext_lazy("Add a note"),
        "note_order",
        gettext_lazy(
            "Everyone who can see this order sees the note in its timeline. It is not sent anywhere."
        ),
        _note,
        lambda order: not order.is_erased,
        NoteForm,
    ),
    OrderAction(
        "hold",
        gettext_lazy("Put under legal hold"),
        "hold_order",
        gettext_lazy(
            "Use this when the data of this check may be needed in a dispute. Until the hold is lifted, the "
            "data is not erased, neither when the retention period ends nor at the candidate’s request."
        ),
        by_reason(
            place_hold,
            gettext_lazy("The order is under legal hold. Its data is not erased until the hold is lifted."),
        ),
        lambda order: not (order.legal_hold or order.is_erased),
    ),
    OrderAction(
        "lift",
        gettext_lazy("Lift the legal hold"),
        "hold_order",
        gettext_lazy(
            "Reason for the hold: “%(reason)s” Without the hold, the candidate’s data is erased %(days)d "
            "days after the check ended, or within minutes if that date has passed."
        ),
        by_reason(
            lift_hold,
            gettext_lazy(
                "The legal hold has been lifted. The candidate’s data is erased when its retention period "
                "ends."
            ),
        ),
        lambda order: order.legal_hold,
        is_destructive=True,
        values=lambda order: {"reason": order.legal_hold_reason, "days": order.organization.retention_days},
    ),
    OrderAction(
        "cancel",
        gettext_lazy("Cancel the check"),
        "cancel_order",
        gettext_lazy(
            "The check ends in the portal immediately, and Ashby’s card shows it as cancelled with your "
            "reason. %(at_justifacts)s"
        ),
        _cancel,
        lambda order: not order.has_ended,
        CancelForm,
        is_destructive=True,
        values=lambda order: {"at_justifacts": _cancelled_at_justifacts(order)},
    ),
)

UPDATE_ACTIONS = (
    OrderAction(
        "skip",
        gettext_lazy("Skip this update"),
        "resend_order",
        gettext_lazy(
            "“%(what)s” is never sent to Ashby, and the updates behind it continue. Use this for an update "
            "that Ashby will not accept."
        ),
        _skip,
        lambda update: update.state in AshbyUpdate.UNDELIVERED,
        values=lambda update: {"what": update.summary},
    ),
    OrderAction(
        "resend",
        gettext_lazy("Send again"),
        "resend_order",
        gettext_lazy(
            "The portal sends “%(what)s” and every later update of this order to Ashby again, in the "
            "same sequence and with new timestamps, so that the card ends up as it is now. If Ashby "
            "refuses one because it already has it, skip that update."
        ),
        _resend,
        lambda update: update.state not in AshbyUpdate.UNDELIVERED,
        values=lambda update: {"what": update.summary},
    ),
)
