"""Waits until the portal answers, says so, and stays: ``python -m config.wait_ready``.

A process of the foreground's, so that it ends with the others.
"""

import signal
import sys
import time

import requests

from config import env

_SECONDS = 90


def wait_for(url: str) -> None:
    """Returns once ``url`` answers 200; ends this process, and so the others, if it never does."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        try:
            if requests.get(url, timeout=3).status_code == 200:
                return
        except requests.RequestException:
            pass  # not up yet: that is what is waited for
        time.sleep(0.3)
    sys.exit(f"{url} did not answer well within {_SECONDS} s; see the lines above.")


def stay() -> None:
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    wait_for(f"http://127.0.0.1:{env.PORT}/health/ready")
    print(
        f"The portal answers at {env.PORTAL_BASE_URL}/ (sign in at {env.PORTAL_BASE_URL}/{env.ADMIN_PATH}/)"
    )
    stay()
