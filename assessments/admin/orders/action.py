"""What describes an action on an order or on one of its updates, and the forms on the confirmation pages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


class NoInputForm(forms.Form):
    """For actions that need no reason, because they only repeat what the portal does anyway."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The order’s timeline shows the reason with your name."),
    )


class CancelForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = gettext_lazy(
            "The card in Ashby shows the reason to the recruiter, and the timeline shows it with your name."
        )


class LinkForm(ReasonForm):
    number = forms.CharField(
        label=gettext_lazy("Justifacts order number"),
        max_length=200,
        help_text=gettext_lazy("Ask Justifacts for the number of the order with this reference."),
    )
    field_order = ("number", "reason")


class NoteForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Note"), max_length=5000, widget=forms.Textarea(attrs={"rows": 4})
    )


@dataclass(frozen=True)
class OrderAction:
    """An action with its confirmation page, on an order or on an update: the target.

    ``explanation`` says what will happen, with the ``values`` of the target. ``perform`` gets the target, who
    acts, and the cleaned data of the form; it returns what was done, or raises ``NotPossible``.
    """

    name: str
    label: Promise
    permission: str
    explanation: Promise
    perform: Callable[[Any, str, dict[str, Any]], str]
    is_offered: Callable[[Any], bool]
    form: type[forms.Form] = ReasonForm
    is_destructive: bool = False
    values: Callable[[Any], dict[str, Any]] = lambda target: {}

    def explain(self, target: Any) -> str:
        return str(self.explanation) % self.values(target)


def by_reason(act: Callable[[Any, str, str], object], done: Promise) -> Callable[..., str]:
    """A ``perform`` that passes ``act`` the reason, and returns ``done`` with its ``result``."""
    return lambda target, actor, data: str(done) % {"result": act(target.pk, actor, data["reason"])}
