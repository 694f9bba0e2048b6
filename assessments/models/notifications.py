"""Who wants to be told what, and what each of them was last told."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization


class NoticeKind(models.TextChoices):
    CONNECTION = "connection", _("A connection breaks, or works again")
    HUMAN = "human", _("An order needs a human")
    DIGEST = "digest", _("A summary of each day")


class NoticeChoice(models.Model):
    """Which notices a person wants by mail. Each field is named as its kind; who has never chosen gets
    the defaults."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        primary_key=True,
        related_name="notice_choice",
        verbose_name=_("person"),
    )
    connection = models.BooleanField(NoticeKind.CONNECTION.label, default=True)
    human = models.BooleanField(NoticeKind.HUMAN.label, default=True)
    digest = models.BooleanField(NoticeKind.DIGEST.label, default=False)

    class Meta:
        verbose_name = _("notice choice")

    def __str__(self) -> str:
        return str(self.person)

    @classmethod
    def of(cls, person: Any) -> "NoticeChoice":
        return getattr(person, "notice_choice", None) or cls(person=person)

    def wants(self, kind: str) -> bool:
        return bool(getattr(self, kind))


class Told(models.Model):
    """What one recipient was last told about one organization: a person by mail, or (without a person)
    the organization's chat. A sweep tells the difference between this and what is true now, and
    writes it here after it was sent; who dies in between tells it again, an hour later."""

    #: No recipient hears of one organization and kind more often.
    EVERY = timedelta(hours=1)
    #: What certainly has not been sent is tried again sooner.
    AGAIN = timedelta(minutes=5)

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=NoticeKind)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    # Of a connection: since when each side is broken, as told; None: it works, or nothing was said.
    ashby_broken_since = models.DateTimeField(null=True)
    justifacts_broken_since = models.DateTimeField(null=True)
    # Of orders that need a human, and of days: everything before it has been told.
    until = models.DateTimeField(null=True)

    not_before = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True)
    failed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("told")
        constraints = [
            models.UniqueConstraint(
                name="told_once_per_person",
                fields=["organization", "kind", "person"],
                condition=Q(person__isnull=False),
            ),
            models.UniqueConstraint(
                name="told_once_per_chat", fields=["organization", "kind"], condition=Q(person=None)
            ),
            models.CheckConstraint(name="told_kind_known", condition=Q(kind__in=NoticeKind.values)),
            models.CheckConstraint(
                name="failed_with_an_error",
                condition=Q(last_error="", failed_at=None) | (~Q(last_error="") & Q(failed_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.organization}"

    @property
    def memory(self) -> tuple[datetime | None, ...]:
        """What was told: two recipients of one organization and kind with the same need the same."""
        return self.ashby_broken_since, self.justifacts_broken_since, self.until

    def may_hear(self, now: datetime) -> bool:
        return self.not_before is None or self.not_before <= now

    def take_turn(self, now: datetime) -> bool:
        """Whether it is this caller's turn to tell: of any number of workers, one an hour gets it."""
        if self._state.adding:
            row, _ = Told.objects.get_or_create(
                organization=self.organization, kind=self.kind, person=self.person
            )
            self.pk = row.pk
        due = Told.objects.filter(Q(pk=self.pk) & (Q(not_before=None) | Q(not_before__lte=now)))
        return due.update(not_before=now + self.EVERY) == 1

    def told(self, now: datetime, **what: datetime | None) -> None:
        """Remembers what was sent."""
        Told.objects.filter(pk=self.pk).update(
            not_before=now + self.EVERY, last_error="", failed_at=None, **what
        )

    def passed_over(self, **what: datetime | None) -> None:
        """Remembers what needed no message, and gives the turn back."""
        Told.objects.filter(pk=self.pk).update(not_before=None, last_error="", failed_at=None, **what)

    def failed(self, now: datetime, error: str, again: timedelta) -> None:
        """Remembers, for people to see, that it could not be sent, and when to try again."""
        Told.objects.filter(pk=self.pk).update(not_before=now + again, last_error=error, failed_at=now)
