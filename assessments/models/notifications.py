"""Who wants to be told what, and what each of them was last told."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization


class NotificationKind(models.TextChoices):
    CONNECTION = "connection", _("A connection breaks or recovers")
    NEEDS_ATTENTION = "attention", _("An order needs attention")
    DIGEST = "digest", _("Daily summary")


class NotificationPreference(models.Model):
    """Which notices a person wants by mail. Each field is named as its kind; who has never chosen gets
    the defaults."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="notification_preference",
        verbose_name=_("person"),
    )
    connection = models.BooleanField(NotificationKind.CONNECTION.label, default=True)
    attention = models.BooleanField(NotificationKind.NEEDS_ATTENTION.label, default=True)
    digest = models.BooleanField(NotificationKind.DIGEST.label, default=False)

    class Meta:
        verbose_name = _("notification preference")

    def __str__(self) -> str:
        return str(self.person)

    @classmethod
    def of(cls, person: Any) -> "NotificationPreference":
        return getattr(person, "notification_preference", None) or cls(person=person)

    def wants(self, kind: str) -> bool:
        return bool(getattr(self, kind))


class NotificationState(models.Model):
    """What one recipient was last told about one organization: a person by mail, or (without a person)
    the organization's chat. A sweep tells the difference between this and what is true now, and
    writes it here after it was sent; who dies in between tells it again, an hour later."""

    #: No recipient hears of one organization and kind more often.
    EVERY = timedelta(hours=1)
    #: What certainly has not been sent is tried again sooner.
    AGAIN = timedelta(minutes=5)

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=NotificationKind)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    # Of a connection: since when each side is broken, as told; None: it works, or nothing was said.
    ashby_broken_since = models.DateTimeField(null=True)
    justifacts_broken_since = models.DateTimeField(null=True)
    # Of orders that need a human, and of days: everything before it has been told.
    notified_up_to = models.DateTimeField(null=True)

    not_before = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True)
    failed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notification state")
        constraints = [
            models.UniqueConstraint(
                name="told_once_per_person",
                fields=["organization", "kind", "person"],
                condition=Q(person__isnull=False),
            ),
            models.UniqueConstraint(
                name="told_once_per_chat", fields=["organization", "kind"], condition=Q(person=None)
            ),
            models.CheckConstraint(name="told_kind_known", condition=Q(kind__in=NotificationKind.values)),
            models.CheckConstraint(
                name="failed_with_an_error",
                condition=Q(last_error="", failed_at=None) | (~Q(last_error="") & Q(failed_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.organization}"

    @property
    def snapshot(self) -> tuple[datetime | None, ...]:
        """What was told: two recipients of one organization and kind with the same need the same."""
        return self.ashby_broken_since, self.justifacts_broken_since, self.notified_up_to

    def may_hear(self, now: datetime) -> bool:
        return self.not_before is None or self.not_before <= now

    def acquire_turn(self, now: datetime) -> bool:
        """Whether it is this caller's turn to tell: of any number of workers, one an hour gets it."""
        if self._state.adding:
            row, _ = NotificationState.objects.get_or_create(
                organization=self.organization, kind=self.kind, person=self.person
            )
            self.pk = row.pk
        due = NotificationState.objects.filter(Q(pk=self.pk) & (Q(not_before=None) | Q(not_before__lte=now)))
        return due.update(not_before=now + self.EVERY) == 1

    def told(self, now: datetime, **what: datetime | None) -> None:
        """Remembers what was sent."""
        NotificationState.objects.filter(pk=self.pk).update(
            not_before=now + self.EVERY, last_error="", failed_at=None, **what
        )

    def skipped(self, **what: datetime | None) -> None:
        """Remembers what needed no message, and gives the turn back."""
        NotificationState.objects.filter(pk=self.pk).update(
            not_before=None, last_error="", failed_at=None, **what
        )

    def failed(self, now: datetime, error: str, again: timedelta) -> None:
        """Remembers, for people to see, that it could not be sent, and when to try again."""
        NotificationState.objects.filter(pk=self.pk).update(
            not_before=now + again, last_error=error, failed_at=now
        )
