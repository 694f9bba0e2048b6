"""Heartbeats of the background processes, and the lease on each tick of a periodic task."""

import os
import socket
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.text import format_utc

#: A tick further in the future than this was recorded before the clock was set back, and does not count.
_MAX_CLOCK_SKEW = timedelta(minutes=1)


class Heartbeat(models.Model):
    """The last time at which a process was seen, or at which one of several schedulers acquired a tick."""

    #: After this long without a heartbeat, people are notified that the process is missing.
    MISSING_AFTER: ClassVar[timedelta] = timedelta(minutes=1)

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
    def missing_kinds(cls, now: datetime) -> "list[ProcessHeartbeat.Kind]":
        """The kinds of which no process has been alive for a minute."""
        alive = set(cls.objects.filter(at__gt=now - cls.MISSING_AFTER).values_list("name", flat=True))
        return [kind for kind in ProcessHeartbeat.Kind if kind not in alive]

    @classmethod
    def acquire_tick(cls, name: str, now: datetime, every: timedelta) -> bool:
        """Whether the caller may run this tick. At most one caller gets True in each period of length
        ``every``."""
        cls.objects.get_or_create(name=name, defaults={"at": now - every - every})
        is_due = Q(at__lte=now - every) | Q(at__gt=now + _MAX_CLOCK_SKEW)
        return cls.objects.filter(is_due, name=name).update(at=now) == 1

    @classmethod
    def release_tick(cls, name: str, now: datetime, every: timedelta) -> None:
        """Let the next tick run at once, because this one has left work."""
        cls.objects.filter(name=name).update(at=now - every)


class ProcessHeartbeat(models.Model):
    """A worker or scheduler process, and when it was last seen. A process that stops in an orderly way
    deletes its row, so a late row is a process that died or lost the database."""

    class Kind(models.TextChoices):
        WORKER = "worker", _("worker")
        SCHEDULER = "scheduler", _("scheduler")

    #: A process beats every 5 s. One without a heartbeat for this long does not run.
    LATE: ClassVar[timedelta] = timedelta(seconds=30)
    #: A dead process is reported for this long, unless a new one of its kind starts on its host.
    REPORTED: ClassVar[timedelta] = timedelta(hours=1)

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process ID"))
    version = models.CharField(_("version"), max_length=40)
    started_at = models.DateTimeField(_("started"))
    at = models.DateTimeField(_("last seen"))
    # The database's default is for processes of the version before.
    clock_offset = models.FloatField(_("seconds by which its clock is ahead"), default=0, db_default=0)

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="one_row_for_each_process", fields=["kind", "host", "pid"])
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.host}:{self.pid}"

    @classmethod
    def beat(cls, kind: Kind, now: datetime, clock_offset: float = 0.0) -> None:
        """Record that this process runs, by the clock of the database. The first heartbeat forgets those of
        its host that have died, whose place it takes."""
        now -= timedelta(seconds=clock_offset)
        values = {"at": now, "version": settings.PORTAL_VERSION, "clock_offset": clock_offset}
        _row, is_new = cls.objects.update_or_create(
            kind=kind,
            **_this_process(),
            defaults=values,
            create_defaults=values | {"started_at": now},
        )
        if is_new:
            own = cls.objects.filter(kind=kind, host=socket.gethostname())
            dead = [pk for pk, pid in own.values_list("pk", "pid") if not _runs(pid)]
            cls.objects.filter(Q(pk__in=dead) | Q(at__lt=now - cls.REPORTED)).delete()

    @classmethod
    def leave(cls, kind: Kind) -> None:
        """Delete the row of this process, which stops in an orderly way."""
        cls.objects.filter(kind=kind, **_this_process()).delete()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Another user's process has this ID.
    return True


def _this_process() -> dict[str, object]:
    return {"host": socket.gethostname(), "pid": os.getpid()}


class ProcessOutage(models.Model):
    """A kind of process of which none runs, and that people were notified of it."""

    kind = models.CharField(_("kind"), max_length=10, primary_key=True, choices=ProcessHeartbeat.Kind)
    notified_at = models.DateTimeField(_("notified"))

    class Meta:
        verbose_name = _("outage of a kind of process")
        verbose_name_plural = _("outages of a kind of process")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {format_utc(self.notified_at)}"
