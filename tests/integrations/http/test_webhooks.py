"""Calls to a chat service’s webhook."""

from typing import Any

import pytest
import requests
import responses

from config.logs import logging_config
from integrations.http import client, transport
from integrations.http.errors import (
    NotSent,
    Refused,
    Unauthorized,
    Unknown,
)
from tests.integrations.http.calling import PRIVATE_OR_INVALID

HOOK = "https://hooks.test/services/T000/very-secret-path?token=very-secret"


class TestWebhooks:
    @pytest.mark.parametrize(("status", "body"), [(200, "ok"), (200, ""), (204, ""), (201, "[]")])
    def test_any_2xx_is_a_success_whatever_its_body(self, wire, status: int, body: str) -> None:
        wire.add(responses.POST, HOOK, body=body, status=status)
        client.post_to_webhook(HOOK, {"text": "é"})
        (call,) = wire.calls
        assert call.request.body == '{"text": "é"}'.encode()
        assert "Authorization" not in call.request.headers
        assert call.request.headers["User-Agent"] == transport.USER_AGENT

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ('{"message": "no very-secret-path here"}', 404, Refused),
            ("very-secret-path", 403, Unauthorized),
            ("very-secret-path", 429, NotSent),
            ("very-secret-path", 500, Unknown),
            ("very-secret-path", 302, Unknown),
            (b"x" * (client.ANSWER_BYTES + 1), 200, Unknown),
            (requests.ConnectTimeout(HOOK), 200, NotSent),
            (requests.exceptions.SSLError(HOOK), 200, Unknown),
            (requests.ReadTimeout(HOOK), 200, Unknown),
            (requests.ConnectionError(HOOK), 200, Unknown),
        ],
    )
    def test_an_error_names_the_host_and_nothing_else_of_the_url(
        self, wire, caplog, body: Any, status: int, error: type
    ) -> None:
        caplog.set_level("DEBUG")
        wire.add(responses.POST, HOOK, body=body, status=status)
        with pytest.raises(error) as raised:
            client.post_to_webhook(HOOK, {"text": "x"})
        assert "hooks.test" in raised.value.message
        assert "very-secret" not in raised.value.message + raised.value.answer.excerpt + caplog.text
        assert raised.value.__cause__ is None

    @pytest.mark.parametrize(
        "url",
        [
            *PRIVATE_OR_INVALID,
            "http://user:very-secret@hooks.test/very-secret",
            "hooks.test/very-secret",
            "very-secret:very-secret",
            "",
        ],
    )
    def test_nothing_is_sent_to_a_private_or_plain_http_webhook(self, url: str) -> None:
        with pytest.raises(NotSent) as raised:
            client.post_to_webhook(url, {"text": "x"})
        assert "very-secret" not in raised.value.message

    def test_urllib3_does_not_log_the_path_of_a_webhook(self, serve, caplog) -> None:
        """At level DEBUG urllib3 logs the path of every call."""
        assert logging_config("DEBUG", as_json=False)["loggers"]["urllib3"]["level"] == "INFO"
        url, got = serve([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
        client.post_to_webhook(url, {"text": "x"})
        assert got[0].startswith(b"POST /x HTTP/1.1\r\n")
