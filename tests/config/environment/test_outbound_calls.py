"""The settings of outbound calls."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.fixtures.environment import values_in


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("OUTBOUND_PROXY_URL", "user:hidden@proxy.example.com:3128", "OUTBOUND_PROXY_URL is not a URL"),
        ("CA_BUNDLE", "/nowhere/authority.pem", "CA_BUNDLE does not name a file of certificates"),
        ("CA_BUNDLE", __file__, "CA_BUNDLE does not name a file of certificates"),
    ],
)
def test_a_proxy_or_an_authority_that_cannot_be_used_stops_the_start(
    tmp_path: Path, name: str, value: str, text: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=text) as stopped:
        values_in(tmp_path, **{name: value})
    assert "hidden" not in str(stopped.value)
