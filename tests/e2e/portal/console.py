"""The portal's commands in one long-running process: a line of JSON in, a line of JSON out. Starting Python
for each command of an end-to-end test would cost a second of processor time."""

import io
import json
import os
import sys

import django
from django.core.management import CommandError, call_command
from django.db import Error, connections


def main() -> None:
    django.setup()
    for line in sys.stdin:
        request = json.loads(line)
        os.environ.update(request["environment"])
        output = io.StringIO()
        try:
            call_command(*request["arguments"], stdout=output)
            answer = {"output": output.getvalue()}
        except (CommandError, Error) as error:
            answer = {"error": str(error)}
        connections.close_all()
        for name in request["environment"]:
            del os.environ[name]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
