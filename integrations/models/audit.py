"""The audit trail: who saw and did what. Lines are added and never changed: by the model, by the
database's triggers, and by a chain of hashes that ``verify_audit`` follows."""

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.encryption.fields import EncryptedTextField

from .organizations import Organization


class ImmutableRecordError(Exception):
    """Somebody tried to change or remove a line of the audit trail."""


class AuditQuerySet(models.QuerySet["AuditLogEntry"]):
    def update(self, **changes: Any) -> NoReturn:
        raise ImmutableRecordError

    def delete(self) -> NoReturn:
        raise ImmutableRecordError


class AuditLogEntry(models.Model):
    """One line: an actor, what they did, and to what. Ids and names of fields, never a candidate's data
    and never a secret."""

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
        FACTOR_FAILED = "factor_failed", _("failed at the second step")
        COMMAND = "command", _("ran a command")
        ERASED = "erased", _("erased")

    # Each organization has a chain of its own, and the portal one for what belongs to none.
    chain = models.CharField(max_length=40, editable=False)
    sequence = models.PositiveBigIntegerField(editable=False)
    # No constraint and no cascade: the line stays when the organization goes.
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
    """The last line of each chain, encrypted: whoever cuts the chain's end in the database cannot make
    one that fits."""

    chain = models.CharField(max_length=40, primary_key=True)
    last = EncryptedTextField(editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.chain
