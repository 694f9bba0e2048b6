"""The history of an order."""

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assessments.models.orders import Order


class OrderEvent(models.Model):
    """One line of an order's history, never changed: the model refuses, and so does the database
    (a trigger, in the first migration)."""

    class Source(models.TextChoices):
        ASHBY = "ashby", _("Ashby")
        JUSTIFACTS = "justifacts", _("Justifacts")
        PORTAL = "portal", _("the portal")
        PERSON = "person", _("staff")

    order = models.ForeignKey(Order, models.CASCADE, related_name="events", verbose_name=_("order"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    kind = models.CharField(_("kind"), max_length=40)
    summary = models.TextField(_("summary"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.summary

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An event is never changed.")
        super().save(*args, **kwargs)
