"""Waits until the portal is ready, and prints its URL: ``python -m config.wait_ready``.

This process runs until it is stopped, since the supervisor stops all processes when one exits.
"""

import signal
import sys
import time

import requests

from config import env

_SECONDS = 90


def wait_for(url: str) -> None:
    """Return once ``url`` answers 200; exit (and so stop all processes) if it does not within 90 seconds."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=3).status_code == 200:
                return
        except requests.RequestException:
            pass  # not up yet
        time.sleep(0.3)
    sys.exit(f"{url} was not ready within {_SECONDS} s; see the messages above.")


def wait_for_signal() -> None:
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    wait_for(f"http://127.0.0.1:{env.PORT}/health/status")
    print(
        f"The portal is ready at {env.PORTAL_BASE_URL}/ (sign in at {env.PORTAL_BASE_URL}/{env.ADMIN_PATH}/)"
    )
    wait_for_signal()
