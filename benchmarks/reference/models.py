"""The row that the reference view of a start writes, about as large as an order."""

import uuid

from django.db import models

from integrations.models import Organization


class ReferenceRow(models.Model):
    """``migrate --run-syncdb`` creates its table, in the benchmark's database."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE)
    application_id = models.CharField(max_length=200)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)
