"""Connection jobs: calls that a person has requested."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.models.organizations import Organization

#: A job that has not ended after this time counts as abandoned.
JOB_TIMEOUT_MINUTES = 3


class ConnectionJob(models.Model):
    """Calls to the endpoints that a person has requested. A worker makes them, because no page waits for the
    network; the page shows the findings as they arrive."""

    class Kind(models.TextChoices):
        TEST = "test", _("Test connection")
        PACKAGES = "packages", _("Fetch packages")
        JOBS = "jobs", _("Fetch jobs")

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="connection_jobs")
    kind = models.CharField(max_length=10, choices=Kind)
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    #: ``[{"side": ..., "state": "ok" | "advice" | "problem", "text": ...}]``, in order of time.
    findings = models.JSONField(default=list)
    #: Packages (primary keys) that the fetched list lacks. They are withdrawn once a person confirms.
    unconfirmed = models.JSONField(null=True, editable=False)
    #: Packages whose withdrawal a person has confirmed when they asked for this fetch.
    confirmed = models.JSONField(null=True, editable=False)

    class Meta:
        verbose_name = _("connection job")
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="one_errand_at_a_time", fields=["organization", "kind"], condition=Q(ended_at=None)
            )
        ]
        indexes = [models.Index(name="errands_of_org", fields=["organization", "kind", "-requested_at"])]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.organization}"

    @property
    def is_running(self) -> bool:
        return self.ended_at is None

    @property
    def has_problem(self) -> bool:
        return any(finding["state"] == "problem" for finding in self.findings)

    @property
    def succeeded(self) -> bool:
        return self.ended_at is not None and not self.has_problem

    def is_abandoned(self, now: datetime) -> bool:
        """Whether no worker has started it, or the worker has died."""
        since = self.started_at or self.requested_at
        return self.ended_at is None and now - since > timedelta(minutes=JOB_TIMEOUT_MINUTES)
