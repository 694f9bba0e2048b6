"""The actions that staff may perform on an order and on its updates."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assessments.admin.orders.action import ActionRequest, OrderAction
from assessments.admin.orders.action_forms import CancelForm, LinkForm, NoInputForm, NoteForm
from assessments.admin.orders.decisions import TAKE_NUMBER, TAKE_RESULT
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


def _retry(request: ActionRequest) -> str:
    done = retry(request.order.pk, request.actor)
    if not done:
        raise NotPossible(_("This order has no pending work."))
    return _("The portal will %(what)s.") % {"what": _(" and ").join(done)}


def _poll(request: ActionRequest) -> str:
    if not poll_now(request.order.pk, request.actor):
        raise NotPossible(_("There is nothing to request from Justifacts."))
    return _("The portal is requesting the status from Justifacts now.")


def _cancel(request: ActionRequest) -> str:
    cancel_by_staff(request.order.pk, request.actor, request.reason, timezone.now())
    return _("The check has been cancelled. The portal is informing Ashby and Justifacts.")


def _link_existing(request: ActionRequest) -> str:
    link_existing_order(request.order.pk, request.data["number"], request.actor, request.reason)
    return _(
        "The order is now linked to Justifacts order %(number)s. The portal is requesting its status."
    ) % {"number": request.data["number"].strip()}


def _resubmit(request: ActionRequest) -> str:
    resubmit_order(request.order.pk, request.actor, request.reason)
    return _("The order is being resubmitted to Justifacts.")


def _hold(request: ActionRequest) -> str:
    place_hold(request.order.pk, request.actor, request.reason)
    return _("The order is under legal hold. Its data is not erased until the hold is lifted.")


def _lift(request: ActionRequest) -> str:
    lift_hold(request.order.pk, request.actor, request.reason)
    return _("The legal hold has been lifted. The candidate’s data is erased when its retention period ends.")


def _note(request: ActionRequest) -> str:
    add_note(request.order.pk, request.data["text"], request.actor)
    return _("The note has been added to the timeline.")


def _resolve(request: ActionRequest) -> str:
    resolve_attention(request.order.pk, request.actor, request.reason)
    return _("Resolved. The order no longer needs attention.")


def _resend(request: ActionRequest) -> str:
    count = resend_updates(request.selected_update.pk, request.actor, request.reason)
    text = ngettext(
        "%(count)d update is being sent to Ashby again.",
        "%(count)d updates are being sent to Ashby again.",
        count,
    )
    return text % {"count": count}


def _skip(request: ActionRequest) -> str:
    if not skip_update(request.selected_update.pk, request.actor, request.reason):
        raise NotPossible(
            _("“%(what)s” cannot be skipped: it is not pending.") % {"what": request.selected_update.summary}
        )
    return _("“%(what)s” has been skipped.") % {"what": request.selected_update.summary}


def _explain_cancel(order: Order, update: AshbyUpdate | None) -> str:
    first = _(
        "The check ends in the portal immediately, and Ashby’s card shows it as cancelled with your reason. "
    )
    if order.justifacts_order_id:
        return first + _(
            "The portal cancels order %(number)s at Justifacts. Justifacts may bill the work done so far."
        ) % {"number": order.justifacts_order_id}
    return first + _("If Justifacts turns out to have the order, the portal cancels it there.")


def _has_pending_work(order: Order, update: AshbyUpdate | None) -> bool:
    waiting = order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).exists()
    return waiting or order.next_call not in (PendingCall.NONE, PendingCall.POLL)


ORDER_ACTIONS = (
    OrderAction(
        "retry",
        gettext_lazy("Retry now"),
        "retry_order",
        lambda order, update: _(
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
        lambda order, update: _("The portal requests the order’s status from Justifacts now."),
        _poll,
        lambda order, update: can_be_polled(order),
        NoInputForm,
    ),
    OrderAction(
        "link-existing",
        gettext_lazy("Link existing Justifacts order"),
        "resolve_unknown_placement",
        lambda order, update: (
            _(
                "Use this when Justifacts tells you that it has an order with the reference "
                "%(reference)s. The portal links that order, requests its status and continues "
                "normally."
            )
            % {"reference": order.pk}
        ),
        _link_existing,
        lambda order, update: is_placement_unknown(order),
        LinkForm,
    ),
    OrderAction(
        "resubmit",
        gettext_lazy("Resubmit order"),
        "resolve_unknown_placement",
        lambda order, update: (
            _(
                "Use this only when Justifacts tells you that it has no order with the reference "
                "%(reference)s. The portal sends the order to Justifacts again. If Justifacts does "
                "have the first one, the candidate is checked twice and both checks are billed."
            )
            % {"reference": order.pk}
        ),
        _resubmit,
        lambda order, update: can_be_resubmitted(order),
        is_destructive=True,
    ),
    TAKE_NUMBER,
    TAKE_RESULT,
    OrderAction(
        "resolve",
        gettext_lazy("Resolve"),
        "resolve_order",
        lambda order, update: (
            _(
                "Confirm that this is settled: “%(question)s” The order is removed from the list "
                "of orders that need attention."
            )
            % {"question": order.attention_reason}
        ),
        _resolve,
        lambda order, update: not why_unresolvable(order),
    ),
    OrderAction(
        "note",
        gettext_lazy("Add a note"),
        "note_order",
        lambda order, update: _(
            "Everyone who can see this order sees the note in its timeline. It is not sent anywhere."
        ),
        _note,
        lambda order, update: not order.is_erased,
        NoteForm,
    ),
    OrderAction(
        "hold",
        gettext_lazy("Put under legal hold"),
        "hold_order",
        lambda order, update: _(
            "Use this when the data of this check may be needed in a dispute. Until the hold "
            "is lifted, the data is not erased, neither when the retention period ends nor at "
            "the candidate’s request."
        ),
        _hold,
        lambda order, update: not (order.legal_hold or order.is_erased),
    ),
    OrderAction(
        "lift",
        gettext_lazy("Lift the legal hold"),
        "hold_order",
        lambda order, update: (
            _(
                "Reason for the hold: “%(reason)s” Without the hold, the candidate’s data is "
                "erased %(days)d days after the check ended, or within minutes if that date has "
                "passed."
            )
            % {"reason": order.legal_hold_reason, "days": order.organization.retention_days}
        ),
        _lift,
        lambda order, update: order.legal_hold,
        is_destructive=True,
    ),
    OrderAction(
        "cancel",
        gettext_lazy("Cancel the check"),
        "cancel_order",
        _explain_cancel,
        _cancel,
        lambda order, update: not order.has_ended,
        CancelForm,
        is_destructive=True,
    ),
)

UPDATE_ACTIONS = (
    OrderAction(
        "skip",
        gettext_lazy("Skip this update"),
        "resend_order",
        lambda order, update: (
            _(
                "“%(what)s” is never sent to Ashby, and the updates behind it continue. Use this "
                "for an update that Ashby will not accept."
            )
            % {"what": update.summary if update else ""}
        ),
        _skip,
        lambda order, update: bool(update and update.state in AshbyUpdate.UNDELIVERED),
    ),
    OrderAction(
        "resend",
        gettext_lazy("Send again"),
        "resend_order",
        lambda order, update: (
            _(
                "The portal sends “%(what)s” and every later update of this order to Ashby again, in the "
                "same sequence and with new timestamps, so that the card ends up as it is now. If Ashby "
                "refuses one because it already has it, skip that update."
            )
            % {"what": update.summary if update else ""}
        ),
        _resend,
        lambda order, update: bool(update and update.state not in AshbyUpdate.UNDELIVERED),
    ),
)
