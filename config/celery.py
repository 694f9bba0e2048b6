"""The Celery application: how tasks travel. What they do is in ``assessments.tasks``."""

import logging
import os
from typing import Any

from celery import Celery
from celery.beat import Scheduler
from django.apps import apps
from django.db import DatabaseError
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

logger = logging.getLogger(__name__)


class HeartbeatScheduler(Scheduler):
    """Leaves a sign of life at each tick it sends; keeps no file, since every tick is the same."""

    def apply_async(self, *args: Any, **kwargs: Any) -> Any:
        try:
            apps.get_model("assessments", "Heartbeat").beat("scheduler", timezone.now())
        except DatabaseError as error:
            # The ticks go on: the database may be back before the worker needs it.
            logger.warning("no heartbeat of the scheduler: %s", type(error).__name__)
        return super().apply_async(*args, **kwargs)
