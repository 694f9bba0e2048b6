"""Commands as an operator runs them."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command


class Console:
    def run(self, *arguments: str) -> str:
        output = io.StringIO()
        call_command(*arguments, stdout=output)
        return output.getvalue()

    def json(self, *arguments: str) -> Any:
        """Everything on stdout is JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def fails(self, *arguments: str) -> str:
        """Ends with 1; the one line that stands on stderr."""
        with pytest.raises(CommandError) as failure:
            call_command(*arguments, stdout=io.StringIO())
        assert failure.value.returncode == 1
        assert len(str(failure.value).splitlines()) == 1
        return str(failure.value)


@pytest.fixture
def console() -> Console:
    return Console()
