"""RazorpayX on loopback: contacts, fund accounts and payouts with its idempotency, and its faults on demand."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY_ID, KEY_SECRET, ACCOUNT, WEBHOOK_SECRET = "rzp_test_" + "fake1", "fake" + "-secret", "7878780080316316", "whs"
ENVIRONMENT = {
    "RAZORPAYX_KEY_ID": KEY_ID,
    "RAZORPAYX_KEY_SECRET": KEY_SECRET,
    "RAZORPAYX_ACCOUNT_NUMBER": ACCOUNT,
    "RAZORPAYX_WEBHOOK_SECRET": WEBHOOK_SECRET,
}


class RazorpayPeer:
    """`faults`: what happens to the next payouts asked for, each one of

    "lost" (taken, the line ends without an answer), "reset" (taken, the line breaks), "500" (taken, 500 answered),
    "503" (not taken), "slow" (taken, answered after `slow_s`) and "429" (not taken).
    `refuses`: by path, the (status, error) answered instead of the work. `reasons`: what payouts by a mode fail with.
    """

    slow_s = 1.0

    def __init__(self) -> None:
        self.contacts: list[dict[str, Any]] = []
        self.fund_accounts: list[dict[str, Any]] = []
        self.payouts: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, tuple[dict[str, Any], str]] = {}
        self.calls: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.refuses: dict[str, tuple[int, dict[str, Any]]] = {}
        self.reasons: dict[str, str] = {}
        self._lock = threading.Lock()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                peer._serve(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                peer._serve(self, json.loads(body or b"{}"))

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, key: str) -> dict[str, Any]:
        """The one payout with this reference."""
        (found,) = [payout for payout in self.payouts.values() if payout["reference_id"] == key]
        return found

    def becomes(self, key: str, status: str, reason: str | None = None) -> None:
        details = {"reason": reason, "source": "beneficiary_bank", "description": "As the bank says"}
        self.of(key).update(status=status, status_details=details if reason else None)

    def _serve(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        parts = urlsplit(handler.path)
        paying = (handler.command, parts.path) == ("POST", "/v1/payouts")
        fault = self.faults.pop(0) if paying and self.faults else ""
        if fault in ("503", "429"):
            self._reply(handler, int(fault), _error("Too many requests"))
            return
        with self._lock:
            self.calls.append((handler.command, parts.path))
            status, said = self._answer(handler, parts.path, dict(parse_qsl(parts.query)), body)
        if fault == "slow":
            time.sleep(self.slow_s)
        if fault in ("lost", "reset"):
            if fault == "reset":
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
            return
        self._reply(handler, 500, _error("Trouble")) if fault == "500" else self._reply(handler, status, said)

    @staticmethod
    def _reply(handler: BaseHTTPRequestHandler, status: int, said: dict[str, Any]) -> None:
        content = json.dumps(said).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            handler.close_connection = True  # who asked has gone

    def _answer(
        self, handler: BaseHTTPRequestHandler, path: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        wanted = b64encode(f"{KEY_ID}:{KEY_SECRET}".encode()).decode()
        if handler.headers.get("Authorization") != f"Basic {wanted}":
            return 401, _error("Authentication failed")
        if path in self.refuses:
            status, error = self.refuses[path]
            return status, {"error": error}
        if handler.command == "GET" and path == "/v1/payouts":
            assert query["account_number"] == ACCOUNT
            items = [one for one in self.payouts.values() if one["reference_id"] == query["reference_id"]]
            return 200, {"entity": "collection", "count": len(items), "items": items}
        if handler.command == "GET":
            found = self.payouts.get(path.rsplit("/", 1)[-1])
            return (200, found) if found else (400, _error("The id provided does not exist"))
        if path == "/v1/contacts":
            return 200, _same_or_new(self.contacts, "cont_", body)
        if path == "/v1/fund_accounts":
            return 200, _same_or_new(self.fund_accounts, "fa_", body)
        return self._pay(str(handler.headers.get("X-Payout-Idempotency") or ""), body)

    def _pay(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if not re.fullmatch(r"[A-Za-z0-9 _-]{4,36}", key):
            return 400, _error("Idempotency key is missing.")
        if key in self.keys:
            before, payout_id = self.keys[key]
            if before != body:
                return 400, _error("Different request body sent for the same Idempotency Header")
            return 200, self.payouts[payout_id]
        payout_id = f"pout_{len(self.payouts):014d}"
        self.keys[key] = (body, payout_id)
        made = {**body, "id": payout_id, "entity": "payout", "status": "processing", "utr": None, "created_at": 1}
        self.payouts[payout_id] = {**made, "status_details": None}
        if body["mode"] in self.reasons:
            details = {"reason": self.reasons[body["mode"]], "source": "beneficiary_bank", "description": "No"}
            self.payouts[payout_id].update(status="failed", status_details=details)
        return 200, self.payouts[payout_id]


def _same_or_new(kept: list[dict[str, Any]], prefix: str, body: dict[str, Any]) -> dict[str, Any]:
    for made in kept:
        if {name: made[name] for name in made if name not in ("id", "active")} == body:
            return made
    kept.append({**body, "id": f"{prefix}{len(kept):014d}", "active": True})
    return kept[-1]


def _error(description: str) -> dict[str, Any]:
    return {
        "error": {
            "code": "BAD_REQUEST_ERROR", "description": description, "source": "business", "step": None,
            "reason": "input_validation_failed", "metadata": {},
        }
    }  # fmt: skip
