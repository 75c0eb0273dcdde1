"""The simulator as a real process, and a small web server that receives what it tells."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from app.rails.base import BadSignature, Delivery, RailEvent
from app.rails.simulated import SimulatedRail, api_key, webhook_secret

ROOT = Path(__file__).resolve().parents[2]


class SimulatorPeer:
    """`python -m app.rails.simulator` with its books under `folder`; secrets are those of the current settings."""

    def __init__(self, folder: Path, webhook_url: str = "", delay_s: float = 0.05) -> None:
        self._folder, self._webhook_url, self._delay_s = folder, webhook_url, delay_s
        self._child: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        port = self.url.rsplit(":", 1)[-1] if self.url else "0"  # a restart keeps its address
        command = [sys.executable, "-m", "app.rails.simulator", "--port", port]
        command += ["--store", str(self._folder / "simulator.sqlite3")]
        command += ["--webhook", self._webhook_url, "--delay", str(self._delay_s)]
        self._child = subprocess.Popen(command, cwd=ROOT, env=os.environ.copy(), stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        assert line.startswith("simulator ready "), f"the simulator did not start: {line!r}"
        self.url = line.split()[-1]

    def kill(self) -> None:
        """As a crash would: no farewell."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self._child is not None
        self._child.terminate()
        return self._child.wait(timeout=20)

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or api_key()}"}
        return httpx.request(method, self.url + path, json=body, headers=headers, trust_env=False)

    def faults(self, **faults: Any) -> None:
        reply = self.call("POST", "/_faults", faults)
        assert reply.status_code == 200, reply.text

    def faults_of(self, dialect: str, **faults: Any) -> None:
        """As `faults`, of one provider it stands for."""
        reply = self.call("POST", f"/{dialect}/_faults", faults)
        assert reply.status_code == 200, reply.text

    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.call("GET", "/_instructions").json()
        return summary

    def summary_of(self, dialect: str) -> dict[str, Any]:
        summary: dict[str, Any] = self.call("GET", f"/{dialect}/_instructions").json()
        return summary


class Receiver:
    """Verifies each delivery as our webhook endpoint does and keeps its events; can be told to refuse."""

    def __init__(self) -> None:
        self.events: list[RailEvent] = []
        self.sizes: list[int] = []
        self.bad = 0
        self.refuse = 0
        self._rail = SimulatedRail(secret=webhook_secret())
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._receive(dict(self.headers), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, key: str) -> list[RailEvent]:
        return [event for event in list(self.events) if event.result and event.result.key == key]

    def _receive(self, headers: dict[str, str], body: bytes) -> int:
        if self.refuse > 0:
            self.refuse -= 1
            return 503
        try:
            events = self._rail.parse_event(Delivery(headers, body))
        except BadSignature:
            self.bad += 1
            return 400
        self.sizes.append(len(events))
        self.events.extend(events)
        return 204


def wait_until(truth: Callable[[], object], seconds: float = 15.0) -> None:
    """Poll until it holds; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
