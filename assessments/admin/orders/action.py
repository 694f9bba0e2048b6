"""The types that describe an action on an order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from assessments.admin.orders.action_forms import ReasonForm
from assessments.models import AshbyUpdate, Order
from assessments.orders.staff import NotPossible


@dataclass(frozen=True)
class ActionRequest:
    """The order, the update if the action is about one, who acts, and the cleaned data of the form."""

    order: Order
    update: AshbyUpdate | None
    actor: str
    data: dict[str, Any]

    @property
    def selected_update(self) -> AshbyUpdate:
        """The update that the action is about. Raises ``NotPossible`` if there is none."""
        if self.update is None:
            raise NotPossible(_("Select an update first."))
        return self.update

    @property
    def reason(self) -> str:
        return str(self.data.get("reason", ""))


@dataclass(frozen=True)
class OrderAction:
    """An action with its confirmation page.

    ``explain`` returns what will happen. ``perform`` does it and returns what was done, or raises
    ``NotPossible``.
    """

    name: str
    label: Promise
    permission: str
    explain: Callable[[Order, AshbyUpdate | None], str]
    perform: Callable[[ActionRequest], str]
    is_offered: Callable[[Order, AshbyUpdate | None], bool]
    form: type[forms.Form] = ReasonForm
    is_destructive: bool = False
