"""What is kept about a person's sessions."""

from django.conf import settings
from django.db import models


class SessionsEnded(models.Model):
    """How often all sessions of a person were ended at once. Each session remembers the number of its
    beginning; one with another number has ended."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="sessions_ended"
    )
    times = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user}: {self.times}"
