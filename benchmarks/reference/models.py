"""The tables of the reference. ``migrate --run-syncdb`` creates them beside the portal's."""

import uuid

from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=200)
    key_hash = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.name


class OfferedPackage(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)
    assessment_type_id = models.UUIDField(unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField()

    def __str__(self) -> str:
        return self.name


class StartedCheck(models.Model):
    """One row for each start, about as large as an order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    customer = models.ForeignKey(Customer, models.CASCADE)
    application_id = models.CharField(max_length=200)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)
