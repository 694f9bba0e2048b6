"""The forms on the confirmation pages of actions on orders."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
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
        self.fields["reason"].help_text = _(
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
