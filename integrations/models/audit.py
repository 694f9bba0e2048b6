"""The audit log. The model and the database's triggers refuse changes of its entries, and a chain of hashes
reveals them (``verify_audit``)."""

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.encryption.fields import EncryptedTextField

from .organizations import Organization


class ImmutableRecordError(Exception):
    """Raised on an attempt to change or remove an audit log entry."""


class AuditQuerySet(models.QuerySet["AuditLogEntry"]):
    def update(self, **changes: Any) -> NoReturn:
        raise ImmutableRecordError

    def delete(self) -> NoReturn:
        raise ImmutableRecordError


class AuditLogEntry(models.Model):
    """One action of one actor on one object. Holds ids and names of fields, never a candidate's data or a
    secret."""

    class Action(models.TextChoices):
        VIEWED = "viewed", _("looked at")
        EXPORTED = "exported", _("exported")
        ASKED = "asked", _("pressed")
        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        SIGNED_IN = "signed_in", _("signed in")
        SIGN_IN_FAILED = "sign_in_failed", _("failed to sign in")
        SIGNED_OUT = "signed_out", _("signed out")
        FACTOR_ADDED = "factor_added", _("set up a second factor")
        FACTOR_REMOVED = "factor_removed", _("removed a second factor")
        FACTOR_RESET = "factor_reset", _("reset a person's second factor")
        FACTOR_FAILED = "factor_failed", _("failed two-factor authentication")
        COMMAND = "command", _("ran a command")
        ERASED = "erased", _("erased")

    # Each organization has a chain, and the portal has one for everything else.
    chain = models.CharField(max_length=40, editable=False)
    sequence = models.PositiveBigIntegerField(editable=False)
    # No constraint and no cascade: the entry stays when the organization is deleted.
    organization = models.ForeignKey(
        Organization,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("organization"),
    )
    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)
    actor = models.CharField(_("actor"), max_length=200)
    action = models.CharField(_("action"), max_length=20, choices=Action.choices)
    kind = models.CharField(_("object"), max_length=100, blank=True)
    object_id = models.CharField(_("id"), max_length=100, blank=True, db_index=True)
    details = models.JSONField(_("details"), default=dict)
    address = models.CharField(_("IP address"), max_length=100, blank=True)
    previous_hash = models.CharField(max_length=64, editable=False)
    hash = models.CharField(max_length=64, editable=False)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit log entry")
        verbose_name_plural = _("audit log")
        ordering = ["-pk"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(name="audit_sequence_once", fields=["chain", "sequence"])]

    def __str__(self) -> str:
        return f"{self.actor} {self.get_action_display()} {self.kind} {self.object_id}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ImmutableRecordError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ImmutableRecordError


class AuditChainHead(models.Model):
    """The number and hash of a chain's last entry, encrypted, so that nobody can shorten the chain in the
    database and write a matching head."""

    chain = models.CharField(max_length=40, primary_key=True)
    last = EncryptedTextField(editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.chain
