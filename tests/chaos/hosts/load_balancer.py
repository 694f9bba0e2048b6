"""nginx in front of the web hosts, with a check of ``/health/ready`` once a second.

A request moves on to the next host by itself only if the first one could not be reached. A start that was
answered with 503 is tried once more: the portal accepts nothing that it answers so."""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Collection
from pathlib import Path

import requests

from tests.e2e.portal.processes import eventually

from .starts import Attempt

PORT = 8000
#: How often a host is asked, and how long it may take to answer.
_EVERY_SECONDS, _ANSWER_SECONDS = 1.0, 2.0

_CONFIGURATION = """\
user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  log_format starts '$msec $request_time $status "$upstream_addr"';
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/upstream.conf;
  # TCP repeats a lost packet after one second.
  proxy_connect_timeout 2s;
  proxy_read_timeout 30s;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Request-Start "t=${{msec}}";
  # The method POST is not passed on once it was sent.
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 2;
  server {{
    listen {port};
    location / {{ proxy_pass http://web; }}
    location = /ashby/assessment.start {{
      access_log {folder}/starts.log starts;
      proxy_pass http://web;
      proxy_intercept_errors on;
      error_page 503 = @again;
    }}
    location @again {{
      access_log {folder}/starts.log starts;
      proxy_pass http://web;
    }}
  }}
}}
"""
_LINE = re.compile(r'(\S+) (\S+) (\d+) "(.*)"')


class LoadBalancer:
    """``hosts``: the addresses of the web hosts by name."""

    def __init__(self, folder: Path, hosts: dict[str, str]) -> None:
        self._folder, self._hosts = folder, hosts
        folder.mkdir()
        self.command = f"nginx -p {folder} -e {folder}/error.log -c {folder}/nginx.conf"
        (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, port=PORT))
        self._drained: set[str] = set()
        self._listed: list[str] = []
        self._lock = threading.Lock()
        self._list(sorted(hosts))

    def watch(self, ended: threading.Event) -> None:
        """Keep the list of hosts up to date until the run ends."""
        threads = [
            threading.Thread(target=self._watch, args=(name, ended), daemon=True) for name in self._hosts
        ]
        self._ready = dict.fromkeys(self._hosts, True)
        for thread in threads:
            thread.start()

    def drain(self, name: str) -> None:
        """Send the host no more requests; those that it has may end."""
        with self._lock:
            self._drained.add(name)
            self._update()

    def refill(self, name: str) -> None:
        """End a drain; return once the host gets requests, so that the next one may be drained."""
        with self._lock:
            self._drained.discard(name)
            # Whether it was ready before it was stopped says nothing now.
            self._ready[name] = False
            self._update()
        eventually(lambda: self._ready[name], f"the load balancer uses {name} again", 120)
        time.sleep(0.5)  # nginx reads its configuration again.

    def _watch(self, name: str, ended: threading.Event) -> None:
        url = f"http://{self._hosts[name]}:{PORT}/health/ready"
        while not ended.wait(_EVERY_SECONDS):
            is_ready = False
            with contextlib.suppress(requests.RequestException):
                is_ready = requests.get(url, timeout=_ANSWER_SECONDS).status_code == 200
            with self._lock:
                self._ready[name] = is_ready
                self._update()

    def _update(self) -> None:
        used = [name for name in self._hosts if name not in self._drained]
        # With no host that is ready, all of them are tried, but none that is being stopped.
        self._list(sorted([name for name in used if self._ready[name]] or used or self._hosts))

    def _list(self, names: Collection[str]) -> None:
        if names == self._listed:
            return
        self._listed = list(names)
        # The health check alone decides which hosts are used. With max_fails, one failed connection to each
        # host would leave nginx without a host for seconds.
        servers = "".join(f"  server {self._hosts[name]}:{PORT} max_fails=0;\n" for name in names)
        (self._folder / "upstream.conf").write_text(f"upstream web {{\n{servers}}}\n")
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self._folder / "nginx.pid").read_text()), signal.SIGHUP)

    def attempts(self) -> list[Attempt]:
        """Every start that reached nginx."""
        names = {f"{address}:{PORT}": name for name, address in self._hosts.items()}
        log = self._folder / "starts.log"
        found = []
        for line in log.read_text().splitlines() if log.exists() else ():
            if match := _LINE.fullmatch(line):
                ended, seconds, status, tried = match.groups()
                hosts = tuple(names.get(one, "") for one in re.split(r"[ ,]+|\s:\s", tried) if one in names)
                found.append(Attempt(float(ended) - float(seconds), float(ended), int(status), hosts))
        return found
