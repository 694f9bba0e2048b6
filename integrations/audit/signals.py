from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from integrations.audit import log
from integrations.audit.log import Action
from integrations.web.client_ip import client_address


def record_failed_step(request: HttpRequest, person: Any) -> None:
    """The password was right, and what had to follow it was not."""
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
    """Only a name that somebody has: a password typed in its place must not be kept."""
    name = str(credentials.get("username") or "")
    who = name if User.objects.filter(username=name).exists() else "somebody"
    log.record_entry(Action.SIGN_IN_FAILED, who, address=client_address(request.META) if request else "")
