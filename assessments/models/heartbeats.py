"""Signs of life of the processes that no one calls."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

#: Turns that were taken so far in the future were so by a clock that was set back since.
_AHEAD = timedelta(minutes=1)


class Heartbeat(models.Model):
    """When a process was last seen, and the lease by which one of several runs a tick."""

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return gettext("%(name)s at %(time)s") % {
            "name": self.name,
            "time": f"{self.at:%Y-%m-%d %H:%M:%S}",
        }

    @classmethod
    def beat(cls, name: str, now: datetime) -> None:
        cls.objects.update_or_create(name=name, defaults={"at": now})

    @classmethod
    def acquire_tick(cls, name: str, now: datetime, every: timedelta) -> bool:
        """Whether it is this caller's turn: at most one caller gets it per ``every``."""
        cls.objects.get_or_create(name=name, defaults={"at": now - every - every})
        is_over = Q(at__lte=now - every) | Q(at__gt=now + _AHEAD)
        return cls.objects.filter(is_over, name=name).update(at=now) == 1
