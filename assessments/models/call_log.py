"""The call log: calls in both directions, redacted and shortened. The rows are encrypted because they may
contain links to reports."""

from django.db import models
from django.db.models import CheckConstraint, Index, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assessments.models.orders import Order
from assessments.models.outbox import AshbyUpdate
from integrations.encryption.fields import PersonalJSONField, PersonalTextField
from integrations.models import Organization


class CallAttempt(models.Model):
    """One call that the portal made for an order (placement, look-up, cancellation) or for an update."""

    class Call(models.TextChoices):
        PLACE = "place", _("place at Justifacts")
        LOOK_UP = "look_up", _("look up at Justifacts")
        CANCEL = "cancel", _("cancel at Justifacts")
        DELIVER = "deliver", _("deliver to Ashby")

    order = models.ForeignKey(Order, models.CASCADE, related_name="attempts", verbose_name=_("order"))
    update = models.ForeignKey(
        AshbyUpdate, models.CASCADE, null=True, blank=True, related_name="attempts", verbose_name=_("update")
    )
    call = models.CharField(_("call"), max_length=10, choices=Call)
    at = models.DateTimeField(_("when"), default=timezone.now)
    milliseconds = models.PositiveIntegerField(_("milliseconds"), default=0)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    outcome = models.CharField(_("outcome"), max_length=20)
    request_id = models.CharField(_("Ashby's request id"), max_length=100, blank=True)
    message = PersonalTextField(_("message"), blank=True)
    answer = PersonalTextField(_("answer (shortened, redacted)"), blank=True)

    class Meta:
        verbose_name = _("call attempt")
        verbose_name_plural = _("call attempts")
        ordering = ["at", "pk"]
        constraints = [
            CheckConstraint(
                name="a_delivery_has_its_update", condition=~Q(call="deliver") | Q(update__isnull=False)
            )
        ]
        indexes = [
            Index(name="attempts_by_call", fields=["call", "id"]),
            Index(name="attempts_by_request", fields=["request_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_call_display()}: {self.outcome}"


class InboundRequest(models.Model):
    """One call by Ashby or Justifacts, redacted, with the outcome. Calls that only read are logged at most
    once a minute for each organization."""

    class Source(models.TextChoices):
        ASHBY = "ashby", _("Ashby")
        JUSTIFACTS = "justifacts", _("Justifacts")

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="inbound_requests", verbose_name=_("organization")
    )
    order = models.ForeignKey(
        Order,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="inbound_requests",
        verbose_name=_("order"),
    )
    source = models.CharField(_("source"), max_length=10, choices=Source)
    name = models.CharField(_("call"), max_length=60)
    request_id = models.CharField(_("our request id"), max_length=40)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"))
    outcome = models.CharField(_("outcome"), max_length=60)
    message = PersonalTextField(_("message"), blank=True)
    body = PersonalJSONField(_("body (redacted)"), default=dict)

    class Meta:
        verbose_name = _("inbound request")
        verbose_name_plural = _("inbound requests")
        ordering = ["-received_at", "-pk"]
        indexes = [
            Index(name="inbound_by_org", fields=["organization", "-received_at"]),
            Index(name="inbound_by_source", fields=["source", "id"]),
            Index(name="inbound_by_request", fields=["request_id"]),
            # For the retention of calls that belong to no order.
            Index(
                name="inbound_of_no_order", fields=["organization", "received_at"], condition=Q(order=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"
