"""The tables of the bare chain: for each table that the portal writes for an order, one with as many
columns."""

import uuid

from django.db import models


class Check(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    application_id = models.CharField(max_length=200, db_index=True)
    job_id = models.CharField(max_length=200)
    candidate = models.JSONField()
    application = models.JSONField()
    job = models.JSONField()
    package_id = models.CharField(max_length=200)
    number = models.CharField(max_length=200, blank=True, db_index=True)
    status = models.CharField(max_length=200)
    result = models.CharField(max_length=200, blank=True)
    report_url = models.TextField(blank=True)
    last_sequence = models.IntegerField(default=0)
    last_timestamp = models.BigIntegerField(default=0)
    polled_at = models.DateTimeField(null=True)
    next_poll_at = models.DateTimeField(null=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)


class SearchTerm(models.Model):
    check_of = models.ForeignKey(Check, models.CASCADE)
    term = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return str(self.term)


class Event(models.Model):
    check_of = models.ForeignKey(Check, models.CASCADE)
    source = models.CharField(max_length=20)
    summary = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.summary


class InboundCall(models.Model):
    check_of = models.ForeignKey(Check, models.CASCADE)
    name = models.CharField(max_length=100)
    http_status = models.IntegerField()
    body = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Message(models.Model):
    """An update for Ashby."""

    check_of = models.ForeignKey(Check, models.CASCADE)
    sequence = models.IntegerField()
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["check_of", "sequence"], name="one_message_each")]

    def __str__(self) -> str:
        return str(self.sequence)


class OutboundCall(models.Model):
    check_of = models.ForeignKey(Check, models.CASCADE)
    message = models.ForeignKey(Message, models.CASCADE, null=True)
    name = models.CharField(max_length=100)
    http_status = models.IntegerField()
    milliseconds = models.IntegerField()
    answer = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
