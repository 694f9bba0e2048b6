"""What a person may do with an order: each action with what it will do, and who may."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assessments.admin.orders.action import ActionRequest, OrderAction
from assessments.admin.orders.action_forms import CancelForm, LinkForm, NoteForm, PlainForm
from assessments.admin.orders.decisions import TAKE_NUMBER, TAKE_RESULT
from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.orders.staff import NotPossible
from assessments.privacy.legal_hold import lift_hold, place_hold
from assessments.support.cancel import cancel_by_person
from assessments.support.notes import add_note, resolve_attention, why_unresolvable
from assessments.support.retry import can_be_polled, poll_now, retry
from assessments.support.unknown_placement import (
    can_be_resubmitted,
    is_placement_unknown,
    link_existing_order,
    resubmit_order,
)
from assessments.support.updates import resend_updates, skip_update


def _retry(asked: ActionRequest) -> str:
    done = retry(asked.order.pk, asked.who)
    if not done:
        raise NotPossible(_("Nothing waits for this order."))
    return _("Asked to %(what)s.") % {"what": _(" and to ").join(done)}


def _poll(asked: ActionRequest) -> str:
    if not poll_now(asked.order.pk, asked.who):
        raise NotPossible(_("There is nothing to ask Justifacts for."))
    return _("Justifacts is asked for the status now.")


def _cancel(asked: ActionRequest) -> str:
    cancel_by_person(asked.order.pk, asked.who, asked.reason, timezone.now())
    return _("The check is cancelled. Ashby and Justifacts are told now.")


def _link_existing(asked: ActionRequest) -> str:
    link_existing_order(asked.order.pk, asked.given["number"], asked.who, asked.reason)
    return _("The order has the number %(number)s now. Justifacts is asked for its status.") % {
        "number": asked.given["number"].strip()
    }


def _resubmit(asked: ActionRequest) -> str:
    resubmit_order(asked.order.pk, asked.who, asked.reason)
    return _("The order is placed at Justifacts again now.")


def _hold(asked: ActionRequest) -> str:
    place_hold(asked.order.pk, asked.who, asked.reason)
    return _("The order is under a legal hold. Nothing of it is erased until somebody lifts it.")


def _lift(asked: ActionRequest) -> str:
    lift_hold(asked.order.pk, asked.who, asked.reason)
    return _("The legal hold is lifted. The candidate’s data is erased when its time has come.")


def _note(asked: ActionRequest) -> str:
    add_note(asked.order.pk, asked.given["text"], asked.who)
    return _("The note is in the timeline.")


def _resolve(asked: ActionRequest) -> str:
    resolve_attention(asked.order.pk, asked.who, asked.reason)
    return _("Resolved: no human is asked for this order any more.")


def _resend(asked: ActionRequest) -> str:
    count = resend_updates(asked.chosen.pk, asked.who, asked.reason)
    text = ngettext(
        "%(count)d update is told to Ashby again.", "%(count)d updates are told to Ashby again.", count
    )
    return text % {"count": count}


def _skip(asked: ActionRequest) -> str:
    if not skip_update(asked.chosen.pk, asked.who, asked.reason):
        raise NotPossible(
            _("“%(what)s” cannot be set aside: it does not wait.") % {"what": asked.chosen.summary}
        )
    return _("“%(what)s” is set aside.") % {"what": asked.chosen.summary}


def _explain_cancel(order: Order, update: AshbyUpdate | None) -> str:
    what = _("The check ends here at once, and Ashby’s card shows it as cancelled with your reason. ")
    if order.justifacts_order_id:
        return what + _(
            "Justifacts is told to stop order %(number)s; what it has done so far may be billed."
        ) % {"number": order.justifacts_order_id}
    return what + _("If Justifacts turns out to have the order, it is told to stop it.")


def _waits(order: Order, update: AshbyUpdate | None) -> bool:
    waiting = order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).exists()
    return waiting or order.next_call not in (PendingCall.NONE, PendingCall.POLL)


ORDER_ACTIONS = (
    OrderAction(
        "retry",
        gettext_lazy("Retry now"),
        "retry_order",
        lambda order, update: _(
            "Everything that waits for this order is tried at once: what Justifacts has to be asked or told, "
            "and what Ashby has to be told. An order that may be at Justifacts already is looked up, never "
            "placed a second time."
        ),
        _retry,
        _waits,
        PlainForm,
    ),
    OrderAction(
        "poll",
        gettext_lazy("Poll now"),
        "poll_order",
        lambda order, update: _("Justifacts is asked for the order’s status at once."),
        _poll,
        lambda order, update: can_be_polled(order),
        PlainForm,
    ),
    OrderAction(
        "adopt",
        gettext_lazy("Adopt an order number"),
        "resolve_unknown_placement",
        lambda order, update: (
            _(
                "Use this when Justifacts tells you that it has an order with the reference %(reference)s. "
                "The portal takes its number, asks for its status at once, and goes on as if nothing had "
                "happened."
            )
            % {"reference": order.pk}
        ),
        _link_existing,
        lambda order, update: is_placement_unknown(order),
        LinkForm,
    ),
    OrderAction(
        "place-again",
        gettext_lazy("Place again"),
        "resolve_unknown_placement",
        lambda order, update: (
            _(
                "Use this only when Justifacts tells you that it has no order with the reference "
                "%(reference)s. The order is sent to Justifacts once more. If it has the first one after "
                "all, the candidate is checked twice, and both checks are billed."
            )
            % {"reference": order.pk}
        ),
        _resubmit,
        lambda order, update: can_be_resubmitted(order),
        is_grave=True,
    ),
    TAKE_NUMBER,
    TAKE_RESULT,
    OrderAction(
        "resolve",
        gettext_lazy("Resolve"),
        "resolve_order",
        lambda order, update: (
            _(
                "You have settled what is asked: “%(question)s” The order leaves the list of those that "
                "need a human."
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
            "The note stands in the timeline for everybody who may see this order. It is not sent anywhere."
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
            "Use this when the data of this check may be needed in a dispute. It is then not erased, neither "
            "when its time is over nor when the candidate is to be forgotten, until somebody lifts the hold."
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
                "The order is held for this reason: “%(reason)s” Without the hold the candidate’s data is "
                "erased %(days)d days after the end of the check; within minutes, if that is past."
            )
            % {"reason": order.legal_hold_reason, "days": order.organization.retention_days}
        ),
        _lift,
        lambda order, update: order.legal_hold,
        is_grave=True,
    ),
    OrderAction(
        "cancel",
        gettext_lazy("Cancel the check"),
        "cancel_order",
        _explain_cancel,
        _cancel,
        lambda order, update: not order.has_ended,
        CancelForm,
        is_grave=True,
    ),
)

UPDATE_ACTIONS = (
    OrderAction(
        "set-aside",
        gettext_lazy("Set aside"),
        "resend_order",
        lambda order, update: (
            _(
                "“%(what)s” is never told to Ashby, and what waits behind it goes on. Use it for an "
                "update that Ashby will not take."
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
                "“%(what)s” and every later update of this order are told to Ashby again, in the same "
                "order, with new times, so that the card ends as it is now. If Ashby refuses one because "
                "it has it already, set that one aside."
            )
            % {"what": update.summary if update else ""}
        ),
        _resend,
        lambda order, update: bool(update and update.state not in AshbyUpdate.UNDELIVERED),
    ),
)
