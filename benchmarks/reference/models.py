"""The one row that the reference's start writes: about as many bytes as an order takes."""

import uuid

from django.db import models

from integrations.models import Organization


class ReferenceRow(models.Model):
    """Its table is made by ``migrate --run-syncdb``, in the benchmark's own database."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE)
    application_id = models.CharField(max_length=200)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)
