"""Single sign-on by OpenID Connect, for invited people with an address that the provider verified."""

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import responses
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver, reverse

from integrations.checks import single_sign_on
from tests.fixtures.admin import colleague, member, words
from tests.fixtures.world import World
from tests.integrations.accounts.test_sign_in import is_in

PROVIDER = "https://login.example.com/realms/staff"


@pytest.fixture(autouse=True)
def _configured(settings: Any) -> None:
    app = {
        "provider_id": "sso",
        "name": "Example ID",
        "client_id": "the-portal",
        "secret": "hush-hush",  # nosec B105 # made up for this test
        "settings": {"server_url": PROVIDER, "verified_email": False},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}


class Provider:
    """The identity provider, which answers the portal's calls about one person."""

    def __init__(self, wire: responses.RequestsMock) -> None:
        self.wire = wire
        self.claims: dict[str, Any] = {}
        wire.get(
            f"{PROVIDER}/.well-known/openid-configuration",
            json={
                "issuer": PROVIDER,
                "authorization_endpoint": f"{PROVIDER}/auth",
                "token_endpoint": f"{PROVIDER}/token",
                "userinfo_endpoint": f"{PROVIDER}/userinfo",
                "jwks_uri": f"{PROVIDER}/certs",
            },
        )

    def knows(self, email: str, *, sub: str = "sub-1", verified: Any = True, **token: Any) -> None:
        claims = {"sub": sub, "email": email, "email_verified": verified, "name": "Ada Vermeer"}
        about = {"iss": PROVIDER, "aud": "the-portal", "exp": int(time.time()) + 60, **claims, **token}
        id_token = jwt.encode(about, "k" * 32, algorithm="HS256")
        for url in (f"{PROVIDER}/token", f"{PROVIDER}/userinfo"):
            self.wire.remove(responses.POST, url)
            self.wire.remove(responses.GET, url)
        self.wire.post(f"{PROVIDER}/token", json={"access_token": "at-secret", "id_token": id_token})  # nosec B105 # made up for this test
        self.wire.get(f"{PROVIDER}/userinfo", json=claims)


@pytest.fixture
def provider(world: World, wire: responses.RequestsMock) -> Provider:
    return Provider(wire)


def come(client: Client, **query: str) -> Any:
    """Go to the provider and back; the page that follows."""
    away = client.get(reverse("openid_connect_login"), query)
    asked = parse_qs(urlsplit(away.url).query)
    assert away.url.startswith(f"{PROVIDER}/auth?")
    assert asked["code_challenge_method"] == ["S256"]
    back = {"code": "c", "state": asked["state"][0]}
    return client.get(reverse("openid_connect_callback"), back, follow=True)


def refusal(client: Client, **query: str) -> str:
    page = come(client, **query)
    assert page.redirect_chain[-1][0] == reverse("admin:login")
    assert not is_in(client)
    return words(page.content.decode())


class TestSignIn:
    def test_an_invited_person_is_signed_in(self, world: World, provider: Provider) -> None:
        member("ada", world.acme.organization)
        provider.knows("Ada@Example.com")
        client, wanted = Client(), reverse("admin:assessments_order_changelist")
        assert come(client, next=wanted).redirect_chain[-1][0] == wanted
        assert is_in(client)

    def test_an_unknown_address_is_refused_and_no_account_created(
        self, world: World, provider: Provider
    ) -> None:
        before = User.objects.count()
        provider.knows("eve@example.com")
        assert "not invited" in refusal(Client())
        assert User.objects.count() == before

    @pytest.mark.anywhere
    def test_an_address_that_only_the_database_takes_for_the_same_is_refused(
        self, world: World, provider: Provider
    ) -> None:
        """PostgreSQL's capital of ı is I."""
        member("kim", world.acme.organization)
        provider.knows("kım@example.com")
        assert "not invited" in refusal(Client())

    @pytest.mark.parametrize("process", ["connect", "redirect"])
    def test_parameters_of_the_request_do_not_choose_another_process(
        self, world: World, provider: Provider, process: str
    ) -> None:
        """allauth reads the body before the query."""
        member("ada", world.acme.organization)
        provider.knows("ada@example.com")
        client, away = Client(), reverse("openid_connect_login")
        assert client.post(away, {"process": process}).status_code == 405
        assert come(client, process=process).redirect_chain[-1][0] == reverse("admin:index")
        assert is_in(client)

    @pytest.mark.parametrize("verified", [False, None, "false", 0])
    def test_an_unverified_address_is_refused(self, world: World, provider: Provider, verified: Any) -> None:
        member("ada", world.acme.organization)
        provider.knows("ada@example.com", verified=verified)
        assert "not invited" in refusal(Client())

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
    @pytest.mark.parametrize("signed_in_before", [False, True])
    def test_a_deactivated_person_is_refused(
        self, world: World, provider: Provider, change: dict[str, bool], signed_in_before: bool
    ) -> None:
        ada = member("ada", world.acme.organization)
        provider.knows("ada@example.com")
        if signed_in_before:
            come(Client())
        User.objects.filter(pk=ada.pk).update(**change)
        assert "not invited" in refusal(Client())

    def test_an_address_of_two_people_is_refused(self, world: World, provider: Provider) -> None:
        member("ada", world.acme.organization)
        User.objects.create_user("ada2", "ada@example.com", is_staff=True)
        provider.knows("ada@example.com")
        assert "not invited" in refusal(Client())

    def test_a_reassigned_address_does_not_open_the_old_account(
        self, world: World, provider: Provider
    ) -> None:
        member("ada", world.acme.organization)
        provider.knows("ada@example.com", sub="sub-1")
        come(Client())
        provider.knows("ada@example.com", sub="sub-2")
        assert "not invited" in refusal(Client())

    def test_a_person_whose_address_changed_is_still_signed_in(
        self, world: World, provider: Provider
    ) -> None:
        member("ada", world.acme.organization)
        provider.knows("ada@example.com", sub="sub-1")
        come(Client())
        provider.knows("ada.married@example.com", sub="sub-1")
        client = Client()
        come(client)
        assert is_in(client)

    def test_nothing_is_stored_but_the_providers_id(self, world: World, provider: Provider) -> None:
        member("ada", world.acme.organization)
        provider.knows("ada@example.com")
        for _ in range(2):
            client = Client()
            come(client)
        assert list(SocialAccount.objects.values_list("uid", "extra_data")) == [("sub-1", {})]
        assert not SocialToken.objects.exists()
        assert not EmailAddress.objects.exists()
        assert "at-secret" not in str(dict(client.session.items()))


class TestTwoFactor:
    def test_the_portals_second_factor_is_required(
        self, world: World, provider: Provider, settings: Any
    ) -> None:
        settings.REQUIRE_TWO_FACTOR = True
        sam = colleague("sam", "support")
        provider.knows("sam@example.com")
        assert come(Client()).redirect_chain[-1][0] == "/admin/two-factor/"
        Authenticator.objects.create(user=sam, type="totp", data={"secret": "x"})  # nosec B105 # made up for this test
        client = Client()
        assert come(client).redirect_chain[-1][0] == reverse("mfa_authenticate")
        assert not is_in(client)

    def test_the_providers_second_factor_suffices_if_the_operator_says_so(
        self, world: World, provider: Provider, settings: Any
    ) -> None:
        settings.REQUIRE_TWO_FACTOR = settings.OIDC_PROVIDER_ENFORCES_MFA = True
        sam = colleague("sam", "support")
        provider.knows("sam@example.com")
        client = Client()
        come(client)
        assert is_in(client)
        Authenticator.objects.create(user=sam, type="totp", data={"secret": "x"})  # nosec B105 # made up for this test
        client = Client()
        come(client)
        assert is_in(client)


class TestExchange:
    def test_the_login_page_offers_it_only_if_it_is_configured(self, db: None, settings: Any) -> None:
        page = Client().get(reverse("admin:login")).content.decode()
        assert "Sign in with Example ID" in words(page)
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}
        assert "Example ID" not in Client().get(reverse("admin:login")).content.decode()
        for name in ("openid_connect_login", "openid_connect_callback"):
            assert Client().get(reverse(name)).status_code == 404

    @pytest.mark.parametrize("query", [{}, {"code": "c"}, {"code": "c", "state": "x"}, {"error": "x"}])
    def test_a_callback_that_was_not_requested_is_refused(
        self, world: World, provider: Provider, query: dict[str, str]
    ) -> None:
        member("ada", world.acme.organization)
        provider.knows("ada@example.com")
        client = Client()
        page = client.get(reverse("openid_connect_callback"), query, follow=True)
        assert "Single sign-on failed" in words(page.content.decode())
        assert not is_in(client)

    @pytest.mark.parametrize(
        "token", [{"aud": "another"}, {"iss": "https://evil.test"}, {"exp": 1}], ids=["aud", "iss", "exp"]
    )
    def test_an_invalid_token_is_refused(
        self, world: World, provider: Provider, token: dict[str, Any]
    ) -> None:
        member("ada", world.acme.organization)
        provider.knows("ada@example.com", **token)
        assert "Single sign-on failed" in refusal(Client())

    def test_a_parameter_cannot_connect_another_account(self, world: World, provider: Provider) -> None:
        member("ada", world.acme.organization)
        client = Client()
        client.force_login(colleague("olga", "operator"))
        provider.knows("ada@example.com")
        come(client, process="connect")
        assert SocialAccount.objects.get().user.username == "ada"
        assert client.session["_auth_user_id"] == str(User.objects.get(username="ada").pk)

    @pytest.mark.parametrize("body", ["nonsense", "{}", "[]"])
    def test_nonsense_from_the_provider_is_reported_on_the_login_page(
        self, world: World, wire: Any, body: str
    ) -> None:
        wire.get(f"{PROVIDER}/.well-known/openid-configuration", body=body)
        page = Client().get(reverse("openid_connect_login"), follow=True)
        assert "Single sign-on failed" in words(page.content.decode())

    def test_an_unreachable_provider_is_reported_on_the_login_page(self, world: World, wire: Any) -> None:
        page = Client().get(reverse("openid_connect_login"), follow=True)
        assert "Single sign-on failed" in words(page.content.decode())

    def test_nobody_is_redirected_to_another_site(self, world: World, provider: Provider) -> None:
        member("ada", world.acme.organization)
        provider.knows("ada@example.com")
        for address in ("https://evil.test/", "//evil.test"):
            assert come(Client(), next=address).redirect_chain[-1][0] == reverse("admin:index")

    def test_the_providers_url_must_be_https(self, settings: Any) -> None:
        (app,) = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        assert list(single_sign_on()) == []
        app["settings"]["server_url"] = "http://login.example.com"
        assert [found.id for found in single_sign_on()] == ["integrations.E005"]


def test_allauths_other_urls_are_not_mounted(db: None) -> None:
    """Nobody signs up, changes their address, or signs in by another way."""
    ours = {"account_login", "account_reauthenticate", "openid_connect_login", "openid_connect_callback"}
    ours.add("usersessions_list")
    named = {str(name) for name in get_resolver().reverse_dict if isinstance(name, str)}
    theirs = {name for name in named if re.match(r"account_|mfa_|socialaccount_|openid_|usersessions_", name)}
    assert theirs == ours | {
        *("mfa_index", "mfa_list_webauthn", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn"),
        *("mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_view_recovery_codes"),
        *("mfa_generate_recovery_codes", "mfa_authenticate", "mfa_reauthenticate"),
        *("mfa_reauthenticate_webauthn",),
    }
    for path in ("signup/", "email/", "password/reset/", "social/signup/", "2fa/", "accounts/signup/"):
        for before in ("/", "/accounts/", "/admin/", "/admin/two-factor/"):
            assert Client().get(f"{before}{path}").status_code in (302, 404), path
