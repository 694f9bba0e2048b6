"""Notification preferences, and what each recipient was last notified of."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization


class NotificationKind(models.TextChoices):
    CONNECTION = "connection", _("A connection breaks or recovers")
    NEEDS_ATTENTION = "attention", _("An order needs attention")
    DIGEST = "digest", _("Daily summary")


class NotificationPreference(models.Model):
    """Which notifications a person wants by mail, a field for each kind. A person without a row has the
    defaults."""

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
    """What one recipient was last notified of, for one organization and kind. The recipient is a person by
    mail or, without a person, the organization's chat.

    A sweep sends the difference between this and the present state, and then records it here. If a worker
    dies in between, the notification is sent again an hour later.
    """

    #: The shortest time between two notifications of one kind about one organization to one recipient.
    MIN_INTERVAL = timedelta(hours=1)
    #: The delay before a notification that was certainly not sent is retried.
    RETRY_DELAY = timedelta(minutes=5)

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=NotificationKind)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    # For a connection: since when each partner fails, as last notified; None if no failure was reported.
    ashby_broken_since = models.DateTimeField(null=True)
    justifacts_broken_since = models.DateTimeField(null=True)
    # For orders that need attention and for digests: everything before this time was notified.
    notified_up_to = models.DateTimeField(null=True)

    not_before = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True)
    failed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notification state")
        constraints = [
            UniqueConstraint(
                name="told_once_per_person",
                fields=["organization", "kind", "person"],
                condition=Q(person__isnull=False),
            ),
            UniqueConstraint(
                name="told_once_per_chat", fields=["organization", "kind"], condition=Q(person=None)
            ),
            CheckConstraint(name="told_kind_known", condition=Q(kind__in=NotificationKind.values)),
            CheckConstraint(
                name="failed_with_an_error",
                condition=Q(last_error="", failed_at=None) | (~Q(last_error="") & Q(failed_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.organization}"

    @property
    def snapshot(self) -> tuple[datetime | None, ...]:
        """Recipients of one organization and kind with equal snapshots get the same notification."""
        return self.ashby_broken_since, self.justifacts_broken_since, self.notified_up_to

    def is_due(self, now: datetime) -> bool:
        return self.not_before is None or self.not_before <= now

    def acquire_turn(self, now: datetime) -> bool:
        """Whether the caller may send now. At most one worker gets True per ``MIN_INTERVAL``."""
        if self._state.adding:
            row, _created = NotificationState.objects.get_or_create(
                organization=self.organization, kind=self.kind, person=self.person
            )
            self.pk = row.pk
        due = NotificationState.objects.filter(Q(pk=self.pk) & (Q(not_before=None) | Q(not_before__lte=now)))
        return due.update(not_before=now + self.MIN_INTERVAL) == 1

    def record_handled(self, changes: dict[str, datetime | None], not_before: datetime | None) -> None:
        """Saves the fields in ``changes`` after a notification was sent, or because none is needed; then
        ``not_before`` is None, which releases the turn."""
        NotificationState.objects.filter(pk=self.pk).update(
            not_before=not_before, last_error="", failed_at=None, **changes
        )

    def record_failure(self, now: datetime, error: str, retry_after: timedelta) -> None:
        """Saves the error, which people see on their settings page, and when to retry."""
        NotificationState.objects.filter(pk=self.pk).update(
            not_before=now + retry_after, last_error=error, failed_at=now
        )
