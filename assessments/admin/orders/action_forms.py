"""What is asked of a person before an action of an order is done."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class PlainForm(forms.Form):
    """Nothing has to be said: the action changes nothing that is true."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Shown in the order’s timeline with your name."),
    )


class CancelForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _(
            "Shown to the recruiter on Ashby’s card, and in the timeline with your name."
        )


class LinkForm(ReasonForm):
    number = forms.CharField(
        label=gettext_lazy("Justifacts order number"),
        max_length=200,
        help_text=gettext_lazy("The number that Justifacts gives for this order’s reference."),
    )
    field_order = ("number", "reason")


class NoteForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Note"), max_length=5000, widget=forms.Textarea(attrs={"rows": 4})
    )
