"""What an action of an order is."""

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
    """Who asks for what: the order, the update where the action is about one, and the form."""

    order: Order
    update: AshbyUpdate | None
    who: str
    given: dict[str, Any]

    @property
    def chosen(self) -> AshbyUpdate:
        """The update that the action is about. Raises ``NotPossible`` where it is about none."""
        if self.update is None:
            raise NotPossible(_("Select an update first."))
        return self.update

    @property
    def reason(self) -> str:
        return str(self.given.get("reason", ""))


@dataclass(frozen=True)
class OrderAction:
    """``explain`` says what will happen; ``do`` does it and says what was done, or raises
    ``NotPossible``."""

    name: str
    label: Promise
    permission: str
    explain: Callable[[Order, AshbyUpdate | None], str]
    do: Callable[[ActionRequest], str]
    is_offered: Callable[[Order, AshbyUpdate | None], bool]
    form: type[forms.Form] = ReasonForm
    is_grave: bool = False
