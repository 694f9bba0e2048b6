"""Heartbeats of the background processes, and the lease on each tick of a periodic task."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.text import format_utc

#: A tick further in the future than this was recorded before the clock was set back, and does not count.
_MAX_CLOCK_SKEW = timedelta(minutes=1)


class Heartbeat(models.Model):
    """The last time at which a process was seen, or at which one of several schedulers acquired a tick."""

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return gettext("%(name)s at %(time)s") % {
            "name": self.name,
            "time": format_utc(self.at, seconds=True),
        }

    @classmethod
    def beat(cls, name: str, now: datetime) -> None:
        cls.objects.update_or_create(name=name, defaults={"at": now})

    @classmethod
    def acquire_tick(cls, name: str, now: datetime, every: timedelta) -> bool:
        """Whether the caller may run this tick. At most one caller gets True in each period of length
        ``every``."""
        cls.objects.get_or_create(name=name, defaults={"at": now - every - every})
        is_due = Q(at__lte=now - every) | Q(at__gt=now + _MAX_CLOCK_SKEW)
        return cls.objects.filter(is_due, name=name).update(at=now) == 1
