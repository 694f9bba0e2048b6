"""Records signing in and out in the audit log."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from integrations.audit import log
from integrations.audit.log import Action
from integrations.web.client_ip import client_address


def record_failed_step(request: HttpRequest, person: Any) -> None:
    """Record that the password was right and the second factor was not."""
    log.record_entry(Action.FACTOR_FAILED, person.get_username(), address=client_address(request.META))


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Any, **_: object) -> None:
    log.record_entry(Action.SIGNED_IN, user.get_username(), address=client_address(request.META))


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: Any, **_: object) -> None:
    if user is not None:
        log.record_entry(Action.SIGNED_OUT, user.get_username(), address=client_address(request.META))


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: object) -> None:
    """An unknown name is not stored: people type passwords into the name field by mistake."""
    name = str(credentials.get("username") or "")
    actor = name if User.objects.filter(username=name).exists() else "somebody"
    log.record_entry(Action.SIGN_IN_FAILED, actor, address=client_address(request.META) if request else "")
