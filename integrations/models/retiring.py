"""Verification keys whose place another one has taken, and which still work."""

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.fields import EncryptedTextField, Secret, blind_index

from .organizations import Organization


class RetiringVerificationKey(models.Model):
    """Ashby and Justifacts may go on with it until they are given the new one: it signs callers in, and
    we fall back to it. It goes when somebody retires it, or by itself once nobody has used it for a while
    (``key_rotation.py``)."""

    organization = models.ForeignKey(
        Organization,
        models.CASCADE,
        related_name="retiring_verification_keys",
        verbose_name=_("organization"),
    )
    key = EncryptedTextField(_("key"), editable=False)
    key_index = models.CharField(max_length=64, unique=True, editable=False)
    set_by = models.CharField(_("set by"), max_length=150, blank=True, editable=False)
    set_at = models.DateTimeField(_("set"), null=True, blank=True, editable=False)
    first_used_at = models.DateTimeField(_("first used"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    superseded_at = models.DateTimeField(_("replaced"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("verification key that is replaced")
        verbose_name_plural = _("verification keys that are replaced")
        ordering = ["-superseded_at"]
        # It comes by replacing a key, is never changed, and goes by being retired.
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return str(self.key)

    def save(self, *args: Any, **kwargs: Any) -> None:
        secret = self.key if isinstance(self.key, Secret) else Secret(self.key)
        self.key_index = blind_index(secret.reveal())
        super().save(*args, **kwargs)
