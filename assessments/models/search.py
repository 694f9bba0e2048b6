"""The search index of candidates, whose names and addresses are encrypted."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from assessments.models.orders import Order


class CandidateSearchTerm(models.Model):
    """One keyed hash (``integrations/encryption/search_hashes.py``) of a prefix of a candidate's name or
    address. Written in the transaction that writes the order."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="search_terms", verbose_name=_("order"))
    term = models.BigIntegerField()

    class Meta:
        verbose_name = _("search term")
        verbose_name_plural = _("search terms")
        indexes = [models.Index(name="orders_by_search_term", fields=["term", "order"])]

    def __str__(self) -> str:
        return str(self.pk)
