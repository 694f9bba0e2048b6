"""How the process is put together. The Celery application is made here so that every process
(web, worker, scheduler, command) publishes through the same one."""

from .celery import app as celery_app

__all__ = ["celery_app"]
