"""Where mail goes is one address in the environment."""

from pathlib import Path
from typing import Any

from tests.fixtures.environment import settings_in

_PARTS = ("BACKEND", "HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
_NAMES = [*(f"EMAIL_{part}" for part in _PARTS), "DEFAULT_FROM_EMAIL"]


def mail_settings(folder: Path, *environments: dict[str, str]) -> list[dict[str, Any]]:
    without = {"EMAIL_URL": "", "DEFAULT_FROM_EMAIL": ""}
    return settings_in(folder, _NAMES, *(without | environment for environment in environments))


def test_without_any_it_is_written_on_the_console(tmp_path: Path) -> None:
    (found,) = mail_settings(tmp_path, {"PORTAL_BASE_URL": "https://checks.example.com:8443"})
    assert found["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert found["DEFAULT_FROM_EMAIL"] == "portal@checks.example.com"


def test_an_smtp_server(tmp_path: Path) -> None:
    """Without encryption, with STARTTLS, and with TLS from the beginning."""
    sender = "Checks <checks@example.com>"
    urls = (
        "smtp://mail.example.com",
        "smtp+tls://us%40er:p%2Fw@mail.example.com:587",
        "smtp+ssl://us%40er:p%2Fw@mail.example.com:465",
    )
    found = mail_settings(tmp_path, *({"EMAIL_URL": url, "DEFAULT_FROM_EMAIL": sender} for url in urls))
    assert {each["EMAIL_BACKEND"].rpartition(".smtp.")[2] for each in found} == {"EmailBackend"}
    assert {(each["EMAIL_HOST"], each["DEFAULT_FROM_EMAIL"]) for each in found} == {
        ("mail.example.com", sender)
    }
    ways = [(each["EMAIL_USE_TLS"], each["EMAIL_USE_SSL"], each["EMAIL_PORT"]) for each in found]
    assert ways == [(False, False, 25), (True, False, 587), (False, True, 465)]
    people = [(each["EMAIL_HOST_USER"], each["EMAIL_HOST_PASSWORD"]) for each in found]
    assert people == [("", ""), ("us@er", "p/w"), ("us@er", "p/w")]
