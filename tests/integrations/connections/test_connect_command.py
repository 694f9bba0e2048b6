"""connect_org, check_connection, sync_packages and sync_jobs."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.connections.pauses import pause
from integrations.encryption.secrets import Secret
from integrations.models import AshbyApiKey, Connection, Job, Organization
from tests.fixtures.console import Console
from tests.fixtures.world import World

KEY_INFO = {
    "success": True,
    "results": {"title": "Justifacts", "createdAt": "2026-01-01", "scopes": ["candidates:write"]},
}


def keys(monkeypatch: pytest.MonkeyPatch, justifacts: str = "", ashby: str = "") -> None:
    monkeypatch.setenv("JUSTIFACTS_KEY", justifacts)
    monkeypatch.setenv("ASHBY_KEY", ashby)


class TestConnectOrg:
    def test_an_organization_is_connected_from_the_environment(
        self, db: None, console: Console, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        settings.PORTAL_BASE_URL = "https://portal.test"
        keys(monkeypatch, " verify-0123456789 \n", "ashby-0123456789\n")
        found = json.loads(
            console.run("connect_org", "Acme Inc.", "--base-url", "https://justifacts.test/a/")
        )
        assert found == {
            "organization": "Acme Inc.",
            "slug": "acme-inc",
            "ashby_base_url": "https://portal.test/ashby/",
        }
        connection = Connection.objects.get(organization__slug="acme-inc")
        assert connection.verification_key.reveal() == "verify-0123456789"
        assert connection.staging_base_url == "https://justifacts.test/a/"
        assert AshbyApiKey.objects.get(is_selected=True).key.reveal() == "ashby-0123456789"

    def test_changing_one_thing_asks_for_no_other(
        self, world: World, console: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys(monkeypatch)
        console.run("connect_org", "Acme", "--base-url", "https://elsewhere.test/")
        keys(monkeypatch, justifacts="a-new-verification-key")
        console.json("connect_org", "Acme")
        connection = Connection.objects.get(organization__slug="acme")
        assert connection.verification_key.reveal() == "a-new-verification-key"
        assert connection.staging_base_url == "https://elsewhere.test/"
        assert connection.selected_ashby_key.key.reveal() == world.acme.ashby_key

    def test_it_may_be_run_again(self, db: None, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        keys(monkeypatch, "verify-0123456789", "ashby-0123456789")
        first, second = (console.run("connect_org", "Acme", "--slug", "acme") for _ in range(2))
        assert first == second
        assert (Organization.objects.count(), AshbyApiKey.objects.count()) == (1, 1)

    def test_no_secret_is_printed(self, db: None, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        keys(monkeypatch, "verify-0123456789", "ashby-0123456789")
        printed = console.run("connect_org", "Acme")
        assert "0123456789" not in printed

    def test_another_organizations_key_is_refused_without_naming_it(
        self, world: World, console: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys(monkeypatch, justifacts=world.globex.verification_key)
        line = console.fails("connect_org", "Acme")
        assert "belongs to another organization" in line
        assert "Globex" not in line
        assert world.globex.verification_key not in line

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["日本"], "slug"),
            (["Acme", "--slug", "no slug"], "slug"),
            (["Acme", "--base-url", "not an address"], "staging_base_url"),
        ],
    )
    def test_a_wrong_value_is_named(
        self, db: None, console: Console, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
    ) -> None:
        keys(monkeypatch)
        assert says in console.fails("connect_org", *arguments)
        assert not Organization.objects.exists()

    def test_a_secret_that_cannot_be_read_any_more_is_one_line(
        self, world: World, console: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Connection.objects.filter(pk=world.acme.connection.pk).update(
            verification_key=Secret(ciphertext="lost")
        )
        keys(monkeypatch)
        assert "FIELD_ENCRYPTION_KEYS" in console.fails("connect_org", "Acme")
        keys(monkeypatch, justifacts="a-new-verification-key")
        assert console.json("connect_org", "Acme")["slug"] == "acme"


class TestCheckConnection:
    def test_both_endpoints_work(self, world: World, console: Console) -> None:
        world.ashby("apiKey.info", KEY_INFO)
        world.justifacts("assessment.list", {"success": True, "results": []})
        lines = console.run("check_connection", "acme").splitlines()
        assert [line.split(":")[0] for line in lines] == ["Ashby", "Justifacts"]
        assert all(": ok: " in line for line in lines)
        assert console.json("check_connection", "acme")["ok"] is True

    def test_a_failing_side_is_named_and_the_command_ends_with_1(
        self, world: World, console: Console, capsys: pytest.CaptureFixture[str]
    ) -> None:
        world.ashby("apiKey.info", KEY_INFO)
        world.justifacts("assessment.list", "two\nlines", 503)
        assert "Justifacts" in (line := console.fails("check_connection", "acme"))
        assert "Ashby" not in line
        with pytest.raises(CommandError):
            call_command("check_connection", "acme", "--json")
        found = json.loads(capsys.readouterr().out)
        assert found["ok"] is False
        assert [(finding["side"], finding["ok"]) for finding in found["findings"]] == [
            ("Ashby", True),
            ("Justifacts", False),
        ]

    def test_a_working_key_ends_the_pause(self, world: World, console: Console) -> None:
        pause(world.acme.organization, "Ashby refused the key.", world.acme.organization.created_at)
        world.ashby("apiKey.info", KEY_INFO)
        world.justifacts("assessment.list", {"success": True, "results": []})
        console.run("check_connection", "acme")
        assert Connection.objects.get(pk=world.acme.connection.pk).paused_at is None


class TestSync:
    def test_packages_are_fetched(self, world: World, console: Console) -> None:
        listed = [{"assessment_type_id": "JF-acme-1", "name": "Basic", "description": "The Basic check"}]
        listed.append({"assessment_type_id": "JF-new", "name": "Drug test", "description": ""})
        world.justifacts("assessment.list", {"success": True, "results": listed})
        assert console.json("sync_packages", "acme") == {
            "added": ["Drug test"],
            "changed": [],
            "withdrawn": ["Executive"],
            "total": 2,
        }
        assert "2 packages at Justifacts" in console.run("sync_packages", "acme")

    def test_jobs_are_fetched(self, world: World, console: Console) -> None:
        results = [{"id": "job-1", "title": "Backend Engineer", "status": "Open"}]
        world.ashby("job.list", {"success": True, "results": results, "moreDataAvailable": False})
        assert console.json("sync_jobs", "acme")["added"] == ["Backend Engineer"]
        assert Job.objects.get().organization == world.acme.organization

    @pytest.mark.parametrize("command", ["sync_packages", "sync_jobs"])
    def test_a_side_that_fails_is_one_line(self, world: World, console: Console, command: str) -> None:
        world.justifacts("assessment.list", "<html>\n<b>down</b>\n", 500)
        world.ashby("job.list", "<html>\n<b>down</b>\n", 500)
        assert "500" in console.fails(command, "acme")


@pytest.mark.parametrize(
    "command",
    [
        ["check_connection"],
        ["sync_packages"],
        ["sync_jobs"],
        ["map_job", "job-1", "Basic"],
        ["set_default_package", "Basic"],
    ],
    ids=lambda command: command[0],
)
def test_an_unknown_organization_is_one_line(db: None, console: Console, command: list[str]) -> None:
    name, *rest = command
    assert "nobody" in console.fails(name, "nobody", *rest)
