"""Calls, out and in, as support reads them: redacted and shortened."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from integrations.models import Organization

from .orders import Order
from .updates import Update


class Attempt(models.Model):
    """One call made for an order (placing, looking up, cancelling) or for an update."""

    class Call(models.TextChoices):
        PLACE = "place", "place at Justifacts"
        LOOK_UP = "look_up", "look up at Justifacts"
        CANCEL = "cancel", "cancel at Justifacts"
        DELIVER = "deliver", "tell Ashby"

    order = models.ForeignKey(Order, models.CASCADE, related_name="attempts")
    update = models.ForeignKey(Update, models.CASCADE, null=True, blank=True, related_name="attempts")
    call = models.CharField(max_length=10, choices=Call)
    at = models.DateTimeField(default=timezone.now)
    milliseconds = models.PositiveIntegerField(default=0)
    http_status = models.PositiveSmallIntegerField("HTTP status", null=True)
    outcome = models.CharField(max_length=20)
    request_id = models.CharField("Ashby's request id", max_length=100, blank=True)
    message = models.TextField(blank=True)
    answer = models.TextField("answer (shortened, redacted)", blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="a_delivery_has_its_update", condition=~Q(call="deliver") | Q(update__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_call_display()}: {self.outcome}"


class InboundCall(models.Model):
    """What Ashby or Justifacts sent, redacted, with what we answered. Calls that only read are
    kept once a minute per organization."""

    class Source(models.TextChoices):
        ASHBY = "ashby", "Ashby"
        JUSTIFACTS = "justifacts", "Justifacts"

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="inbound_calls")
    order = models.ForeignKey(Order, models.SET_NULL, null=True, blank=True, related_name="inbound_calls")
    source = models.CharField(max_length=10, choices=Source)
    name = models.CharField("call", max_length=60)
    request_id = models.CharField("our request id", max_length=40)
    received_at = models.DateTimeField(default=timezone.now)
    http_status = models.PositiveSmallIntegerField("HTTP status")
    outcome = models.CharField(max_length=60)
    message = models.TextField(blank=True)
    body = models.JSONField("body (redacted)", default=dict)

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [models.Index(name="inbound_by_org", fields=["organization", "-received_at"])]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"
