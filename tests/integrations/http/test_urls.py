"""URLs from outside: which may be called, and which become a link."""

from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from integrations.http import client
from integrations.http.errors import NotSent
from integrations.http.urls import (
    ParsedURL,
    hosts_in,
    is_public,
    link_refusal,
    validate_outbound_url,
    validate_report_hosts,
)
from integrations.http.urls import parse_url as read

#: URLs in which two libraries read different hosts, or that people misread.
ODD = [
    "https://169.254.169.254\\@hooks.test/",
    "https://hooks.test\\@169.254.169.254/",
    "https://hooks.test\\.inside.test/",
    "https:\\\\hooks.test/",
    "https:/hooks.test/",
    "https:hooks.test",
    "https:///hooks.test",
    "//hooks.test/",
    "hooks.test/x",
    "https://user@hooks.test/",
    "https://user:word@hooks.test/",
    "https://@hooks.test/",
    "https://hooks.test@169.254.169.254/",
    "https://hooks.test:443@169.254.169.254/",
    "https://hooks.test%2f@169.254.169.254/",
    "https://hooks.test%00.inside.test/",
    "https://hooks.test%2e/",
    "https://hooks.test\t/",
    "https://hooks\n.test/",
    "ht\ntps://hooks.test/",
    "https://hooks.test/\r\nHost: inside.test",
    "https://hooks.test/\x00",
    " https://hooks.test/",
    "https://hooks.test/ x",
    "https://hooks.test/\u202egnp.exe",
    "https://hooks.test/\u200b",
    "https://hooks.test/\u00a0",
    "https://hооks.test/",  # Cyrillic letters.
    "https://hooks。test/",
    "https://①②⑦.0.0.1/",
    "https://ｈooks.test/",
    "https://hoo\u212as.test/",  # The Kelvin sign, whose lower case is k.
    "https://hook\u017f.test/",
    "https://hooks.test./",
    "https://.hooks.test/",
    "https://hooks..test/",
    "https://-hooks.test/",
    "https://hooks.test:0/",
    "https://hooks.test:65536/",
    "https://hooks.test:+443/",
    "https://hooks.test:４４３/",
    "https://[::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::1]hooks.test/",
    "https://[hooks.test]/",
    "https://[::1",
    "https://*.test/",
    "https://",
    "https://?x",
    "",
    "javascript:alert(1)",
    "javascript://hooks.test/%0aalert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>",
    "vbscript:x",
    "blob:https://hooks.test/1",
    "view-source:https://hooks.test/",
    "file:///etc/passwd",
    "ftp://hooks.test/",
    "ws://hooks.test/",
    "mailto:x@hooks.test",
]
#: Plain URLs of private hosts.
INSIDE = """
    https://localhost/ https://LOCALHOST/ https://a.localhost/ https://printer.local/ https://intranet/
    https://metadata.google.internal/ https://metadata/ https://db.corp/ https://router.home.arpa/
    https://127.0.0.1/ https://127.1/ https://2130706433/ https://0x7f000001/ https://0x7f.1/ https://0177.0.0.1/
    https://017700000001/ https://0.0.0.0/ https://0/ https://10.0.0.1/ https://172.16.0.1/ https://192.168.1.1/
    https://100.64.0.1/ https://169.254.169.254/ https://169.254.43518/ https://224.0.0.1/ https://255.255.255.255/
    https://127.0.0.1.nip.0x1/ https://[::]/ https://[::1]/ https://[::127.0.0.1]/ https://[::ffff:127.0.0.1]/
    https://[::ffff:7f00:1]/ https://[::ffff:a9fe:a9fe]/ https://[64:ff9b::a9fe:a9fe]/
    https://[64:ff9b:1::a00:1]/ https://[2002:7f00:1::]/ https://[2001:0:1::1]/ https://[fe80::1]/
    https://[fd00:ec2::254]/ https://[ff02::1]/ https://[2001:db8::1]/ https://[fec0::1]/
""".split()  # noqa: SIM905


@pytest.fixture(autouse=True)
def allowed_hosts(settings) -> None:
    """Two hosts are allowed; looking like one of them must not help."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["sandbox.inside:9001", "hooks.test"]


@pytest.mark.parametrize("text", ODD)
def test_an_odd_url_is_refused_by_the_form_the_call_and_the_link(text: str, monkeypatch) -> None:
    """Nothing is resolved or connected to."""
    monkeypatch.setattr("socket.getaddrinfo", None)
    monkeypatch.setattr("socket.socket", None)
    assert read(text) is None
    with pytest.raises(ValidationError):
        validate_outbound_url(text)
    assert "not a valid web address" in str(link_refusal(text, ["hooks.test"]))
    with pytest.raises(NotSent):
        client.post(client.OutboundCall(text, {}), key="key-0123456789")
    with pytest.raises(NotSent):
        client.post_to_webhook(text, {})


@pytest.mark.parametrize("text", INSIDE)
def test_a_private_url_is_refused_by_the_form(text: str) -> None:
    with pytest.raises(ValidationError, match="points to a private network"):
        validate_outbound_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://app.justifacts.com/jfacts/servlet/application?ashby/",
        "https://app.justifacts.com:8443/x/",
        "https://APP.justifacts.com",
        "https://xn--e1awd7f.example/x",
        "https://8.8.8.8/x",
        "https://[2606:4700:4700::1111]/x",
        "https://hooks.slack.com/services/T000/B000/x@y",
        "https://1password.example.com/",
        "http://sandbox.inside:9001/",
        "https://sandbox.inside:9001/",
    ],
)
def test_a_public_or_allowed_url_is_accepted(text: str) -> None:
    validate_outbound_url(text)


@pytest.mark.parametrize("text", ["http://app.justifacts.com/", "HTTP://8.8.8.8/", "http://sandbox.inside/"])
def test_plain_http_is_refused_by_the_form(text: str) -> None:
    with pytest.raises(ValidationError, match="must start with https://"):
        validate_outbound_url(text)


def test_a_fragment_is_refused() -> None:
    with pytest.raises(ValidationError, match="or #"):
        validate_outbound_url("https://app.justifacts.com/#x")


@given(st.text(st.sampled_from("htps:/\\@#?%.[]0x7f1a- \t\n:é"), max_size=30).map("https://{}".format))
def test_urllib3_reads_the_same_host_and_port_from_an_accepted_url(text: str) -> None:
    if (address := read(text)) is not None:
        other = parse_url(text)
        assert (other.scheme, (other.host or "").strip("[]"), other.auth) == ("https", address.host, None)
        assert (other.port or 443) == address.port


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://A.test", ParsedURL("https", "a.test", 443)),
        ("http://a.test:81?x", ParsedURL("http", "a.test", 81)),
        ("https://[2001:DB8::1]:5/x", ParsedURL("https", "2001:db8::1", 5)),
    ],
)
def test_scheme_host_and_port_are_read(text: str, address: ParsedURL) -> None:
    assert read(text) == address


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


class TestReports:
    HOSTS = ("at.base.test", "reports.example.com")

    @pytest.mark.parametrize(
        "text",
        [
            "https://justifacts.com/r/1",
            "https://app.justifacts.com/jfacts/report?id=1#page",
            "https://a.b.Justifacts.com:8443/",
            "https://at.base.test/r/1",
            "https://reports.example.com/é?q=<script>",
        ],
    )
    def test_an_https_report_at_an_expected_host_becomes_a_link(self, text: str) -> None:
        assert link_refusal(text, self.HOSTS) == ""

    @pytest.mark.parametrize(
        "text",
        [
            "https://justifacts.com.evil.test/",
            "https://evil-justifacts.com/",
            "https://justifacts.co/",
            "https://xn--justifcts-8fg.com/",
            "https://sub.reports.example.com/",
            "https://example.com/",
            "https://evil.test/?https://justifacts.com/",
            "https://evil.test/justifacts.com",
            "https://8.8.8.8/",
        ],
    )
    def test_a_report_at_another_host_is_no_link(self, text: str) -> None:
        assert "not expected at that host" in str(link_refusal(text, self.HOSTS))

    def test_a_plain_http_report_is_a_link_only_at_an_allowed_host(self) -> None:
        assert "does not start with https" in str(link_refusal("http://justifacts.com/r", self.HOSTS))
        assert link_refusal("http://sandbox.inside:9001/r", ["sandbox.inside"]) == ""
        assert link_refusal("http://sandbox.inside:9001/r", [])

    @pytest.mark.parametrize(
        "text", ["", "  \n", "reports.example.com", "A.example.com\r\n b.example.com \n"]
    )
    def test_host_names_are_read_one_a_line(self, text: str) -> None:
        validate_report_hosts(text)
        assert hosts_in(text) == text.lower().split()

    @pytest.mark.parametrize(
        "line",
        """https://reports.example.com reports.example.com/x *.example.com com localhost a@b.example.com
        reports.example.com:443 1.2.3.4 8.8.8.8 0x7f.1 reports.example.com. répôrts.example.com
        a,b .example.com <script> a.internal [::1] ::1 javascript:alert(1)""".split(),  # noqa: SIM905
    )
    def test_a_line_that_is_no_public_host_name_is_refused(self, line: str) -> None:
        with pytest.raises(ValidationError, match="is not a host name"):
            validate_report_hosts(f"reports.example.com\n{line}")

    def test_more_than_20_host_names_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="at most 20"):
            validate_report_hosts("\n".join(f"r{number}.example.com" for number in range(21)))
