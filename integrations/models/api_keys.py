"""Ashby API keys, and previous verification keys."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.encryption.blind_index import blind_index
from integrations.encryption.fields import EncryptedTextField
from integrations.encryption.secrets import Secret
from integrations.models.organizations import Organization


class PreviousVerificationKey(models.Model):
    """A verification key that was replaced and is still valid: callers may use it, and calls to Justifacts
    fall back to it. It is deleted when a person retires it, or once it is unused (``key_rotation.py``)."""

    organization = models.ForeignKey(
        Organization,
        models.CASCADE,
        related_name="previous_verification_keys",
        verbose_name=_("organization"),
    )
    key = EncryptedTextField(_("key"), editable=False)
    key_index = models.CharField(max_length=64, unique=True, editable=False)
    set_by = models.CharField(_("set by"), max_length=150, blank=True, editable=False)
    set_at = models.DateTimeField(_("set"), null=True, blank=True, editable=False)
    first_used_at = models.DateTimeField(_("first used"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    replaced_at = models.DateTimeField(_("replaced"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("previous verification key")
        verbose_name_plural = _("previous verification keys")
        ordering = ["-replaced_at"]
        # Replacing a key adds it, retiring deletes it, and nothing changes it.
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return str(self.key)

    def save(self, *args: Any, **kwargs: Any) -> None:
        secret = self.key if isinstance(self.key, Secret) else Secret(self.key)
        self.key_index = blind_index(secret.reveal())
        super().save(*args, **kwargs)


class AshbyApiKey(models.Model):
    """A key that an admin of the organization created in Ashby. Of several, one is selected."""

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
    # When another key took its place. Calls fall back to it until it is retired.
    replaced_at = models.DateTimeField(_("replaced"), null=True, blank=True, editable=False)

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
                name="key_in_use_is_not_replaced", condition=Q(is_selected=False) | Q(replaced_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        secret = self.key if isinstance(self.key, Secret) else Secret(self.key)
        self.key_index = blind_index(secret.reveal())
        super().save(*args, **kwargs)
