"""Connections: an organization's credentials for both partners, and the health of both endpoints."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.encryption.blind_index import blind_index, blind_indexes
from integrations.encryption.fields import EncryptedTextField
from integrations.http.urls import hosts_in, parse_url, validate_outbound_url, validate_report_hosts
from integrations.models.api_keys import AshbyApiKey
from integrations.models.organizations import Organization


def validate_staging_base_url(value: str) -> None:
    """Accepts an https URL with a public host, or with a host in ``OUTBOUND_ALLOWED_HOSTS``."""
    validate_outbound_url(value)


def default_staging_base_url() -> str:
    return str(settings.JUSTIFACTS_BASE_URL)


class Connection(models.Model):
    """One organization's credentials and URLs, with the health of both endpoints."""

    organization = models.OneToOneField(
        Organization, models.CASCADE, related_name="connection", verbose_name=_("organization")
    )
    is_enabled = models.BooleanField(
        _("switched on"),
        default=True,
        help_text=_("Off: Ashby's calls are answered 403, and nothing is sent to either side."),
    )
    verification_key = EncryptedTextField(
        default="",
        blank=True,
        help_text=_("The key that Justifacts e-mailed. Ashby signs in to us with it, and we to Justifacts."),
    )
    verification_key_set_by = models.CharField(max_length=150, blank=True, editable=False)
    verification_key_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    verification_key_first_used_at = models.DateTimeField(
        _("verification key first used"), null=True, blank=True, editable=False
    )
    verification_key_last_used_at = models.DateTimeField(
        _("verification key last used"), null=True, blank=True, editable=False
    )
    # The keyed hash of the verification key, by which an inbound call finds its organization.
    verification_key_index = models.CharField(max_length=64, null=True, unique=True, editable=False)
    staging_base_url = models.CharField(
        max_length=500,
        default=default_staging_base_url,
        validators=[validate_staging_base_url],
        help_text=_("Justifacts' address, as in the field “Staging Base URL” of Ashby's guide."),
    )
    report_hosts = models.TextField(
        _("other report servers"),
        default="",
        blank=True,
        validators=[validate_report_hosts],
        help_text=_(
            "Only needed where Justifacts' reports are somewhere else than Justifacts: the names of those "
            "servers, one a line. The address of a report at any other server is shown, and is no link."
        ),
    )
    # The assessment type of "Package for this job".
    job_package_type_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    paused_at = models.DateTimeField(_("deliveries paused since"), null=True, blank=True, editable=False)
    pause_reason = models.TextField(default="", blank=True, editable=False)
    # While deliveries are paused: the time of the next probe. None: at once.
    probe_at = models.DateTimeField(_("next attempt while paused"), null=True, blank=True, editable=False)
    ashby_problem = models.TextField(_("problem with Ashby"), default="", blank=True, editable=False)
    ashby_problem_since = models.DateTimeField(null=True, blank=True, editable=False)
    justifacts_problem = models.TextField(
        _("problem with Justifacts"), default="", blank=True, editable=False
    )
    justifacts_problem_since = models.DateTimeField(null=True, blank=True, editable=False)
    # The problem is about one message: until then, successful calls about other orders do not clear it.
    justifacts_problem_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The circuit breakers: failures in a row, and the end of the cooldown (``circuit_breaker.py``).
    ashby_failures = models.PositiveIntegerField(default=0, editable=False)
    ashby_blocked_until = models.DateTimeField(
        _("calls to Ashby blocked until"), null=True, blank=True, editable=False
    )
    justifacts_failures = models.PositiveIntegerField(default=0, editable=False)
    justifacts_blocked_until = models.DateTimeField(
        _("calls to Justifacts blocked until"), null=True, blank=True, editable=False
    )
    last_inbound_call_at = models.DateTimeField(
        _("last call from Ashby"), null=True, blank=True, editable=False
    )
    ashby_last_success_at = models.DateTimeField(
        _("last update accepted by Ashby"), null=True, blank=True, editable=False
    )
    justifacts_answered_at = models.DateTimeField(
        _("last response from Justifacts"), null=True, blank=True, editable=False
    )
    chat_webhook = EncryptedTextField(
        _("chat webhook URL"),
        default="",
        blank=True,
        help_text=_("A Slack-compatible incoming webhook. It is a secret: who has it can write there."),
    )
    checked_at = models.DateTimeField(_("last checked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = [
            models.CheckConstraint(
                name="paused_with_a_reason",
                condition=Q(paused_at=None, pause_reason="")
                | (Q(paused_at__isnull=False) & ~Q(pause_reason="")),
            )
        ]

    def __str__(self) -> str:
        return gettext("Connection of %(organization)s") % {"organization": self.organization}

    def save(self, *args: Any, **kwargs: Any) -> None:
        key = self.verification_key.reveal() if self.verification_key else ""
        self.verification_key_index = blind_index(key) if key else None
        if kwargs.get("update_fields") and "verification_key" in kwargs["update_fields"]:
            kwargs["update_fields"] = {*kwargs["update_fields"], "verification_key_index"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        key = self.verification_key.reveal() if self.verification_key else ""
        if key and _belongs_to_another(self.organization_id, key):
            text = _("This key is not free: it belongs to another organization.")
            raise ValidationError({"verification_key": text})

    @property
    def ashby_base_url(self) -> str:
        """The URL that an admin of the organization pastes into Ashby's field "Staging Base URL"."""
        return f"{settings.PORTAL_BASE_URL}/ashby/"

    @property
    def hosts_of_reports(self) -> list[str]:
        """The hosts, besides Justifacts' own, that may serve the organization's reports."""
        url = parse_url(self.staging_base_url)
        return [*([url.host] if url else []), *hosts_in(self.report_hosts)]

    @property
    def next_probe_at(self) -> datetime | None:
        """The time of the next probe. ``None`` if deliveries are not paused, the connection is disabled, or
        no key is selected."""
        if self.paused_at is None or not self.is_enabled or self.selected_ashby_key is None:
            return None
        return self.probe_at or timezone.now()

    @property
    def selected_ashby_key(self) -> "AshbyApiKey | None":
        return self.organization.ashby_api_keys.filter(is_selected=True).first()


def _belongs_to_another(organization_id: int, key: str) -> bool:
    indexes = blind_indexes(key)
    present = Q(connection__verification_key_index__in=indexes)
    previous = Q(previous_verification_keys__key_index__in=indexes)
    return Organization.objects.exclude(pk=organization_id).filter(present | previous).exists()
