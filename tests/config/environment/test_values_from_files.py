"""``NAME_FILE`` names a file that holds the value of ``NAME``, such as a credential of systemd."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.fixtures.environment import values_in


def file(folder: Path, content: bytes) -> str:
    path = folder / "secret"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "a key with spaces inside"),
        ("DATABASE_URL", "postgres://portal:p%40ss@db.example.com/portal"),
        ("METRICS_TOKEN", "token"),
    ],
)
def test_a_value_is_read_from_its_file_without_the_white_space_around_it(
    tmp_path: Path, name: str, value: str
) -> None:
    found = values_in(tmp_path, **{f"{name}_FILE": file(tmp_path, f"  {value}\r\n".encode())})
    assert found[name] == value


def test_a_secret_from_a_file_is_not_generated(tmp_path: Path) -> None:
    keys = file(tmp_path, b"first,\nsecond\n")
    found = values_in(tmp_path, FIELD_ENCRYPTION_KEYS_FILE=keys)
    assert found["FIELD_ENCRYPTION_KEYS"] == ["first", "second"]
    assert set(found["GENERATED_SECRETS"]) == {"SECRET_KEY"}


def test_the_file_takes_precedence_over_the_variable(tmp_path: Path) -> None:
    found = values_in(tmp_path, CACHE_URL="locmem://", CACHE_URL_FILE=file(tmp_path, b"dummycache://"))
    assert found["CACHE_URL"] == "dummycache://"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"hidden\xff", "it is not text")]
)
def test_a_file_that_cannot_be_read_stops_the_start_with_its_name(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = str(tmp_path / "missing") if content is None else file(tmp_path, content)
    with pytest.raises(ImproperlyConfigured) as stopped:
        values_in(tmp_path, SECRET_KEY_FILE=path)
    assert str(stopped.value) == f"SECRET_KEY_FILE names a file that cannot be read: {reason}."
