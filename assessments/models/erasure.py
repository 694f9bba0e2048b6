"""The proof that a candidate's data was erased on request."""

import uuid
from typing import Any, NoReturn

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization


class CertificateQuerySet(models.QuerySet["ErasureCertificate"]):
    def update(self, **changes: Any) -> NoReturn:
        raise TypeError("A certificate is never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("A certificate is never deleted.")


class ErasureCertificate(models.Model):
    """What was erased, when and by whom. Immutable: the model and a database trigger refuse changes.

    It holds no personal data. A keyed digest of the e-mail address stands for the candidate; with the
    address, ``certificates_of`` finds the certificate again.
    """

    id = models.UUIDField(_("number"), primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, models.PROTECT, related_name="erasure_certificates", verbose_name=_("organization")
    )
    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    by = models.CharField(_("erased by"), max_length=150)
    candidate_digest = models.CharField(_("keyed digest of the e-mail"), max_length=64, db_index=True)
    #: How many rows of each kind were erased: ``{"orders": 2, "events": 14, ...}``.
    counts = models.JSONField(_("what was erased"), default=dict)
    #: The ids of the orders that were erased.
    orders = models.JSONField(_("orders"), default=list)
    #: The orders that were not erased: ``[{"order": id, "why": sentence}]``.
    kept = models.JSONField(_("what was kept"), default=list)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = _("erasure certificate")
        verbose_name_plural = _("erasure certificates")
        ordering = ["-at"]
        default_permissions = ("view",)
        permissions = [("erase_candidate", "Can have a candidate's data erased")]

    def __str__(self) -> str:
        return gettext("Certificate %(number)s") % {"number": self.pk}

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A certificate is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("A certificate is never deleted.")
