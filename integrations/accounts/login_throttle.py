"""How often somebody may try to sign in, or have a link mailed.

Counted in the cache: for an account from one address, for an address, and for an account from
everywhere, so that guessing is hopeless and a colleague at the same office is not shut out.
"""

import hashlib
import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 5 * 60
_OF_BOTH, _OF_ADDRESS, _OF_ACCOUNT = 5, 50, 60


class LoginThrottle:
    """The failed tries at one account from one address in the present and the last five minutes."""

    def __init__(self, what: str, account: str, address: str, of_account: int = _OF_ACCOUNT) -> None:
        account = account.strip().lower()
        self._limits = {
            f"{what} {address} {account}": _OF_BOTH,
            f"{what} {address}": _OF_ADDRESS,
            f"{what} account {account}": of_account,
        }

    def are_used_up(self) -> bool:
        """Whether nobody is listened to for the moment, right or wrong."""
        window = _window()
        names = {who: [_name(who, window), _name(who, window - 1)] for who in self._limits}
        try:
            found = cache.get_many([name for pair in names.values() for name in pair])
        except RedisError as error:
            logger.warning("tries to sign in are not counted: %s", type(error).__name__)
            return False
        return any(
            sum(found.get(name, 0) for name in names[who]) >= most for who, most in self._limits.items()
        )

    def count(self) -> None:
        """One more."""
        try:
            for who in self._limits:
                name = _name(who, _window())
                cache.add(name, 0, timeout=3 * WINDOW_SECONDS)
                cache.incr(name)
        except (RedisError, ValueError) as error:
            # ValueError: the counter was evicted between the two calls.
            logger.warning("a try to sign in is not counted: %s", type(error).__name__)


def _window() -> int:
    return int(time.time() // WINDOW_SECONDS)


def _name(who: str, window: int) -> str:
    return f"tries:{hashlib.sha256(who.encode()).hexdigest()[:32]}:{window}"
