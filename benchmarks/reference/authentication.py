"""The look-up of the key."""

import hmac
from typing import Any

from django.conf import settings
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed

from .models import Customer


def hash_of(key: str) -> str:
    return hmac.digest(settings.SECRET_KEY.encode(), key.encode(), "sha256").hex()


class KeyAuthentication(BasicAuthentication):
    """DRF's Basic authentication, by the hash of the key."""

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> tuple[Any, None]:
        customer = Customer.objects.filter(key_hash=hash_of(userid)).first()
        if customer is None:
            raise AuthenticationFailed
        return customer, None
