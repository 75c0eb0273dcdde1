"""PayPal at the edge: the rail against the simulator, and a peer that answers what a test scripts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.core.settings import load, settings

CREDENTIALS = {
    "PAYPAL_CLIENT_ID": "client",
    "PAYPAL_CLIENT_SECRET": "secret",
    "PAYPAL_WEBHOOK_ID": "WH4JH86294D6297924",
}
SECRETS = {"SECRET_KEY": "s" * 32, "PAYOUT_ENCRYPTION_KEY": "e" * 32}


def reached_at(monkeypatch: pytest.MonkeyPatch, url: str, **env: str) -> None:
    """The rails reach PayPal there, with sandbox credentials."""
    found = load({**SECRETS, **CREDENTIALS, "PAYPAL_URL": url, **env})
    monkeypatch.setattr("app.rails.access.settings", lambda: found)


def simulated_at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The rails have no credentials, and the simulator there stands for PayPal."""
    from dataclasses import replace

    here = replace(settings(), simulator_url=url, providers={})
    monkeypatch.setattr("app.rails.access.settings", lambda: here)


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Peer:
    """Answers tokens, and of everything else the next of `answers`: (status, JSON), or None to hang up."""

    url: str = ""
    answers: list[tuple[int, Any] | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    tokens: int = 0
    token_status: int = 200

    @property
    def paths(self) -> list[str]:
        return [f"{one.method} {one.path.partition('?')[0]}" for one in self.asked]


@contextmanager
def peer() -> Iterator[Peer]:
    made = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path == "/v1/oauth2/token":
                made.tokens += 1
                token = {"access_token": f"T{made.tokens}", "token_type": "Bearer", "expires_in": 32_000}
                self._send(made.token_status, token if made.token_status == 200 else {"error": "invalid_client"})
                return
            made.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            answer = made.answers.pop(0) if made.answers else (500, {"name": "INTERNAL_ERROR"})
            if answer is None:
                self.close_connection = True
                self.connection.close()
            else:
                self._send(*answer)

        do_GET = do_POST = _answer

        def _send(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def item(key: str, status: str, *, item_id: str = "ITEM1", error: str = "", wallet: str = "PAYPAL") -> dict[str, Any]:
    """One item as PayPal shows it."""
    shown: dict[str, Any] = {
        "payout_item_id": item_id,
        "payout_batch_id": "BATCH1",
        "transaction_status": status,
        "time_processed": "2026-11-01T10:00:00Z",
        "payout_item": {"sender_item_id": key, "recipient_wallet": wallet, "receiver": "ann@example.test"},
    }
    if error:
        shown["errors"] = {"name": error, "message": "As PayPal says it.", "details": []}
    return shown


def batch(status: str, *items: dict[str, Any], total: int | None = None, pages: int = 1) -> dict[str, Any]:
    header = {"payout_batch_id": "BATCH1", "batch_status": status, "sender_batch_header": {}}
    total = len(items) if total is None else total
    return {"batch_header": header, "items": list(items), "total_items": total, "total_pages": pages}


def duplicate(batch_id: str = "BATCH1", host: str = "https://api.sandbox.paypal.com") -> tuple[int, dict[str, Any]]:
    """The answer to a sender_batch_id that was used before."""
    link = {"href": f"{host}/v1/payments/payouts/{batch_id}", "rel": "self", "method": "GET"}
    detail = {"field": "SENDER_BATCH_ID", "issue": "Batch with given sender_batch_id already exists", "link": [link]}
    return 400, {"name": "USER_BUSINESS_ERROR", "message": "User business error.", "details": [detail]}
