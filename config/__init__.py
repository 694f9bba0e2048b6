"""Settings and processes. The Celery application is created here, so that every process (web, worker,
scheduler, command) publishes tasks through it."""

from .celery import app as celery_app

__all__ = ["celery_app"]
