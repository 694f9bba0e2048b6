"""What DATABASE_URL makes of the connections, and what they do in a transaction."""

from typing import Any

import pytest

from tests.fixtures.environment import settings_in

_ALONE = "postgres://portal@db/portal"
_SEVERAL_HOSTS = "postgres://portal@one,two/portal"
_BEHIND_PGBOUNCER = {f"{_ALONE}?pgbouncer={name}" for name in ("true", "1", "on")}


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The connection that each URL makes."""
    urls = [_ALONE, _SEVERAL_HOSTS, *sorted(_BEHIND_PGBOUNCER)]
    found = settings_in(
        tmp_path_factory.mktemp("var"), ["DATABASES"], *({"DATABASE_URL": url} for url in urls)
    )
    return {url: each["DATABASES"]["default"] for url, each in zip(urls, found, strict=True)}


def test_without_pgbouncer_time_limits_are_startup_options(databases: dict[str, dict[str, Any]]) -> None:
    found = databases[_ALONE]
    limits = "-c idle_in_transaction_session_timeout=20000 -c lock_timeout=10000"
    assert found["OPTIONS"]["options"] == limits
    assert found["DISABLE_SERVER_SIDE_CURSORS"] is False


@pytest.mark.parametrize("url", sorted(_BEHIND_PGBOUNCER))
def test_behind_pgbouncer_there_are_no_startup_options_and_no_server_side_cursors(
    databases: dict[str, dict[str, Any]], url: str
) -> None:
    found = databases[url]
    assert not {"options", "pgbouncer"} & found["OPTIONS"].keys()
    assert found["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_the_primary_of_several_hosts_is_selected(databases: dict[str, dict[str, Any]]) -> None:
    found = databases[_SEVERAL_HOSTS]
    assert (found["HOST"], found["OPTIONS"]["target_session_attrs"]) == ("one,two", "read-write")
