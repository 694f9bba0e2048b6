"""Organizations, their connections and their Ashby API keys."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.addresses import hosts_in, read, validate_address_to_call, validate_report_hosts
from integrations.fields import EncryptedTextField, Secret, blind_index, blind_indexes

#: The clock of candidates' data, in days: no shorter than a dispute takes, no longer than ten years.
SHORTEST_RETENTION, LONGEST_RETENTION = 30, 3650
#: Days for which completed orders are polled: a new organization's, and the most.
POLL_DAYS_AFTER_COMPLETION, MOST_POLL_DAYS = 60, 365


def default_retention_days() -> int:
    """What a new organization starts with."""
    days: int = settings.RETENTION_DAYS
    return days


def validate_web_page(value: str) -> None:
    """A plain https address of a public server, as any other that the portal keeps; people open it, the
    portal never does."""
    validate_address_to_call(value)


class Organization(models.Model):
    """One employer, who hires with Ashby and buys background checks from Justifacts."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(_("slug"), unique=True, help_text=_("The short name that commands take."))
    require_two_factor = models.BooleanField(
        _("two-factor sign-in for everybody"),
        default=False,
        # What ran before an upgrade may add an organization during it.
        db_default=False,
        help_text=_(
            "On: each member of this organization sets up a second step of signing in (an app on the "
            "telephone, or a passkey) before they see anything else. Operators and support always do."
        ),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    retention_days = models.PositiveIntegerField(
        _("days until candidates’ data is erased"),
        default=default_retention_days,
        # Of an organization that the version before adds during the upgrade.
        db_default=730,
        validators=[MinValueValidator(SHORTEST_RETENTION), MaxValueValidator(LONGEST_RETENTION)],
        help_text=_(
            "So many days after a check has ended, the candidate’s name, e-mail, links, result and all that "
            "was sent are erased; figures stay. A shorter time erases older checks within minutes, and "
            "nothing brings them back. A check under a legal hold is kept."
        ),
    )
    poll_days_after_completion = models.PositiveSmallIntegerField(
        _("days for which completed checks are polled"),
        default=POLL_DAYS_AFTER_COMPLETION,
        db_default=POLL_DAYS_AFTER_COMPLETION,
        blank=True,
        validators=[MaxValueValidator(MOST_POLL_DAYS)],
        help_text=_(
            "A result can change after a check is complete, for example after a dispute. Justifacts is asked "
            "about a completed check for this many days: every hour at first, later every three days. With "
            "0, only a message from Justifacts or “Poll now” brings a changed result. Empty: 60."
        ),
    )
    adverse_action_url = models.CharField(
        _("address of your adverse-action notes"),
        max_length=500,
        default="",
        db_default="",
        blank=True,
        validators=[validate_web_page],
        help_text=_(
            "Where your people read what to do before they decide against somebody because of a report. It "
            "is linked where a result asks for a look."
        ),
    )

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        ordering = ["name"]
        permissions = [("view_every_organization", "Sees every organization, not only their own")]
        constraints = [
            models.CheckConstraint(
                name="retention_days_in_range",
                condition=Q(retention_days__range=(SHORTEST_RETENTION, LONGEST_RETENTION)),
            ),
            models.CheckConstraint(
                name="poll_days_in_range",
                condition=Q(poll_days_after_completion__range=(0, MOST_POLL_DAYS)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        days: int | None = self.poll_days_after_completion
        # What a form leaves empty is none of the allowed values.
        self.poll_days_after_completion = POLL_DAYS_AFTER_COMPLETION if days is None else days
        super().clean_fields(exclude)


def validate_staging_base_url(value: str) -> None:
    """A plain https address with a public host, or one that ``OUTBOUND_ALLOWED_HOSTS`` excepts."""
    validate_address_to_call(value)


def default_staging_base_url() -> str:
    return str(settings.JUSTIFACTS_BASE_URL)


class Connection(models.Model):
    """One organization's credentials and addresses, with the health of both sides."""

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
        _("other servers of reports"),
        default="",
        blank=True,
        validators=[validate_report_hosts],
        help_text=_(
            "Only needed where Justifacts' reports are somewhere else than Justifacts: the names of those "
            "servers, one a line. The address of a report at any other server is shown, and is no link."
        ),
    )
    # What Ashby knows the choice "Package for this job" by.
    job_package_type_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    paused_at = models.DateTimeField(_("deliveries paused since"), null=True, blank=True, editable=False)
    pause_reason = models.TextField(default="", blank=True, editable=False)
    # While deliveries are paused: when one update tries whether Ashby takes the key again. None: at once.
    probe_at = models.DateTimeField(_("next try while paused"), null=True, blank=True, editable=False)
    ashby_problem = models.TextField(_("problem with Ashby"), default="", blank=True, editable=False)
    ashby_problem_since = models.DateTimeField(null=True, blank=True, editable=False)
    justifacts_problem = models.TextField(
        _("problem with Justifacts"), default="", blank=True, editable=False
    )
    justifacts_problem_since = models.DateTimeField(null=True, blank=True, editable=False)
    # The problem is about one message: until then it outlasts calls about other orders that succeed.
    justifacts_problem_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The circuit breakers: failures in a row, and until when no call is made (``breaker.py``).
    ashby_failures = models.PositiveIntegerField(default=0, editable=False)
    ashby_rest_until = models.DateTimeField(
        _("calls to Ashby rest until"), null=True, blank=True, editable=False
    )
    justifacts_failures = models.PositiveIntegerField(default=0, editable=False)
    justifacts_rest_until = models.DateTimeField(
        _("calls to Justifacts rest until"), null=True, blank=True, editable=False
    )
    ashby_called_at = models.DateTimeField(_("last call from Ashby"), null=True, blank=True, editable=False)
    ashby_answered_at = models.DateTimeField(
        _("last call that Ashby took"), null=True, blank=True, editable=False
    )
    justifacts_answered_at = models.DateTimeField(
        _("last word from Justifacts"), null=True, blank=True, editable=False
    )
    notice_webhook = EncryptedTextField(
        _("address for chat messages"),
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
            raise ValidationError(
                {"verification_key": _("This key is not free: it belongs to another organization.")}
            )

    @property
    def ashby_base_url(self) -> str:
        """What the org's admin pastes into Ashby's field "Staging Base URL"."""
        return f"{settings.PORTAL_BASE_URL}/ashby/"

    @property
    def hosts_of_reports(self) -> list[str]:
        """Where the org's reports may be, besides Justifacts' own servers."""
        at = read(self.staging_base_url)
        return [*([at.host] if at else []), *hosts_in(self.report_hosts)]

    @property
    def next_probe_at(self) -> datetime | None:
        """While deliveries are paused: when one update tries whether Ashby takes the key again. None where
        nothing is tried: the connection is switched off, or no key is in use."""
        if self.paused_at is None or not self.is_enabled or self.selected_ashby_key is None:
            return None
        return self.probe_at or timezone.now()

    @property
    def selected_ashby_key(self) -> "AshbyApiKey | None":
        return self.organization.ashby_api_keys.filter(is_selected=True).first()


def _belongs_to_another(organization_id: int, key: str) -> bool:
    others = Organization.objects.exclude(pk=organization_id).filter(
        Q(connection__verification_key_index__in=blind_indexes(key))
        | Q(retiring_verification_keys__key_index__in=blind_indexes(key))
    )
    return others.exists()


class AshbyApiKey(models.Model):
    """A key that the org's admin made in Ashby. An org may hold several; one is selected."""

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="ashby_api_keys", verbose_name=_("organization")
    )
    name = models.CharField(
        _("name"), max_length=200, help_text=_("To tell it from the others, such as the day it was made.")
    )
    key = EncryptedTextField(help_text=_("Ashby shows it once, when it is created."))
    key_index = models.CharField(max_length=64, editable=False)
    is_selected = models.BooleanField(_("in use"), default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    set_by = models.CharField(_("set by"), max_length=150, blank=True, editable=False)
    set_at = models.DateTimeField(_("set"), null=True, blank=True, editable=False)
    first_used_at = models.DateTimeField(_("first used"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    # Since when another key is in use in its place. Until it is retired, we fall back to it.
    superseded_at = models.DateTimeField(_("replaced"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("Ashby API key")
        verbose_name_plural = _("Ashby API keys")
        ordering = ["-is_selected", "-created_at"]
        constraints = [
            models.UniqueConstraint(
                name="one_selected_ashby_key",
                fields=["organization"],
                condition=Q(is_selected=True),
                violation_error_message=_("Another key of this organization is in use."),
            ),
            models.UniqueConstraint(name="ashby_key_once_per_org", fields=["organization", "key_index"]),
            models.CheckConstraint(
                name="key_in_use_is_not_replaced", condition=Q(is_selected=False) | Q(superseded_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        secret = self.key if isinstance(self.key, Secret) else Secret(self.key)
        self.key_index = blind_index(secret.reveal())
        super().save(*args, **kwargs)
