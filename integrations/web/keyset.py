"""Positions in ordered query sets. To go on from a position costs the same at any depth, and rows that are
added or removed meanwhile do not move it, unlike an offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db.models import Field, Model, Q, QuerySet

_signer = Signer(salt="integrations.web.keyset")


@dataclass(frozen=True)
class Position:
    """Next to a row. ``values``: the row's in the columns of the order, the last of which is the key."""

    is_after: bool
    values: tuple[Any, ...]

    def __str__(self) -> str:
        """A signed text for a URL: what people make up could be no value of the columns."""
        return _signer.sign_object([self.is_after, *map(str, self.values)])

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """The position that ``str`` wrote; None for any other text."""
        try:
            is_after, *values = _signer.unsign_object(text)
        except (BadSignature, ValueError):
            return None
        return cls(is_after, tuple(values))

    @classmethod
    def of(cls, row: Model, ordering: Sequence[str], *, is_after: bool) -> "Position":
        """``ordering`` as for ``order_by``. Its columns are never NULL, for which databases disagree."""
        return cls(is_after, tuple(getattr(row, _field(row, name).attname) for name in ordering))

    def select(self, rows: QuerySet[Any], ordering: Sequence[str]) -> QuerySet[Any]:
        """Those of the rows, which have this order, on this side of the position, the nearest first. Raises
        ``ValueError`` if the position was written for another order."""
        if len(self.values) != len(ordering):
            raise ValueError("the position has other columns than the order")
        beyond = Q()
        for name, given in reversed(list(zip(ordering, self.values, strict=True))):
            field = _field(rows.model, name)
            try:
                value = field.to_python(given)
            except ValidationError as error:
                raise ValueError("the position has other columns than the order") from error
            comparison = f"{field.name}__{'lt' if name.startswith('-') == self.is_after else 'gt'}"
            beyond = Q(**{comparison: value}) | (Q(**{field.name: value}) & beyond if beyond else Q())
        # The comparison with the first column follows from ``beyond``; databases use an index for it.
        found = rows.filter(Q(**{f"{comparison}e": value}), beyond)
        return found if self.is_after else found.reverse()


def _field(model: Any, name: str) -> "Field[Any, Any]":
    name = name.removeprefix("-")
    field: Field[Any, Any] = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return field
