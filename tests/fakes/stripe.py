"""Stripe's payments, refunds and disputes on loopback, with its idempotency and its faults on demand.

Each form is checked against the specification where the shared one is at hand (`SPEC`), else only kept.
"""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_ROOT = Path(os.environ.get("QUITTANCE_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs")
SPEC = _ROOT / "stripe" / "stripe-subset.openapi.json"
KEY = "sk_test_" + "fake"
BEYOND = ("/v1/customers", "/v1/payment_methods/")  # not in the part of the specification that is at hand


class StripePeer:
    """`lose_replies`: do the work and break the line; `fail_next`: (status, error) answered instead of the work."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.customers: dict[str, dict[str, Any]] = {}
        self.methods: dict[str, dict[str, Any]] = {}
        self.fees: dict[str, dict[str, Any]] = {}  # of a payment or refund: its balance transaction
        self.keys: dict[str, tuple[dict[str, str], int, dict[str, Any]]] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.lose_replies = 0
        self.fail_next: tuple[int, dict[str, str]] | None = None
        self.off_session = ""  # how the next charges of kept cards end: a code, or "" for paid
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                peer.answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                peer.answer(self, dict(parse_qsl(body.decode(), keep_blank_values=True)))

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pays(self, reference: str) -> None:
        """The client confirms the payment in their browser."""
        made = self.intents[reference]
        made["status"], made["last_payment_error"] = "succeeded", None
        if made.get("setup_future_usage"):
            card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034}
            method = {"id": f"pm_{len(self.methods) + 1}", "customer": made["customer"], "card": card}
            self.methods[method["id"]] = method
            made["payment_method"] = method["id"]

    def _alone(self, made: dict[str, Any], form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """A kept card is charged while nobody is there."""
        if made["status"] == "succeeded":
            return 400, {"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}}
        method = self.methods[form["payment_method"]]
        if method["customer"] is None or method["customer"] != made.get("customer"):
            return 400, {"error": {"type": "invalid_request_error", "code": "payment_method_unexpected_state"}}
        if not self.off_session:
            made["status"], made["last_payment_error"] = "succeeded", None
            return 200, made
        told = {"type": "card_error", "code": self.off_session, "message": "Your card was declined."}
        made["last_payment_error"] = told
        return 402, {"error": told | {"payment_intent": made}}

    def answer(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        path, query = urlsplit(handler.path).path, dict(parse_qsl(urlsplit(handler.path).query))
        self.calls.append((handler.command, path, form))
        assert handler.headers["Authorization"] == f"Bearer {KEY}" and handler.headers["Stripe-Version"]
        check(handler.command.lower(), path, form or query)
        if self.fail_next:
            status, error = self.fail_next
            self.fail_next = None
            return self._reply(handler, status, {"error": error})
        if handler.command == "POST":
            status, body = self._post(path, form, handler.headers["Idempotency-Key"])
        else:
            status, body = self._get(path, query)
        if self.lose_replies:
            self.lose_replies -= 1
            handler.connection.close()
            return None
        return self._reply(handler, status, body)

    def _reply(self, handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _post(self, path: str, form: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        if key in self.keys:
            same, status, made = self.keys[key]
            return (status, made) if same == form else (400, {"error": {"type": "idempotency_error"}})
        metadata = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
        if path == "/v1/payment_intents":
            made = {
                "id": f"pi_{len(self.intents) + 1}", "status": "requires_payment_method", "metadata": metadata,
                "amount": int(form["amount"]), "currency": form["currency"], "client_secret": "pi_secret",
                "customer": form.get("customer"), "setup_future_usage": form.get("setup_future_usage"),
            }  # fmt: skip
            self.intents[made["id"]] = made
            if form.get("confirm"):
                return self._kept(key, form, *self._alone(made, form))
        elif path == "/v1/customers":
            made = {"id": f"cus_{len(self.customers) + 1}", "name": form["name"], "metadata": metadata}
            self.customers[made["id"]] = made
        elif path.endswith("/detach"):
            made = self.methods[path.split("/")[3]]
            if made["customer"] is None:
                return 400, {"error": {"type": "invalid_request_error", "code": "payment_method_unexpected_state"}}
            made["customer"] = None
        elif path.endswith("/confirm"):
            return self._kept(key, form, *self._alone(self.intents[path.split("/")[3]], form))
        elif path.startswith("/v1/payment_intents/") and not path.endswith("/cancel"):
            made = self.intents[path.split("/")[3]]
            made["metadata"] |= metadata
            made |= {name: value or None for name, value in form.items() if "[" not in name}
        elif path == "/v1/refunds":
            of = self.intents[form["payment_intent"]]
            back = sum(one["amount"] for one in self.refunds.values() if one["payment_intent"] == of["id"])
            if back + int(form["amount"]) > of["amount"]:
                return 400, {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}
            made = {
                "id": f"re_{len(self.refunds) + 1}", "status": "succeeded", "metadata": metadata,
                "amount": int(form["amount"]), "currency": of["currency"], "payment_intent": of["id"],
            }  # fmt: skip
            self.refunds[made["id"]] = made
        else:
            made = self.intents[path.split("/")[3]]
            if made["status"] == "succeeded":
                return 400, {"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}}
            made["status"] = "canceled"
        self.keys[key] = (form, 200, made)
        return 200, self._expanded("refunds", made) if "expand[]" in form else made

    def _kept(self, key: str, form: dict[str, str], status: int, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The same answer for the same key, also when it is a refusal."""
        self.keys[key] = (form, status, json.loads(json.dumps(body)))
        return status, body

    def _expanded(self, noun: str, found: dict[str, Any]) -> dict[str, Any]:
        booked = self.fees.get(found["id"])
        if noun == "refunds":
            return found | {"balance_transaction": booked}
        method = self.methods.get(found.get("payment_method") or "")
        return found | {
            "latest_charge": {"id": f"ch_{found['id']}", "balance_transaction": booked}, "payment_method": method
        }  # fmt: skip

    def _get(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        _, _, noun, *rest = path.split("/")
        rows = {
            "payment_intents": self.intents, "refunds": self.refunds, "disputes": self.disputes, "charges": self.charges
        }[noun]  # fmt: skip
        if rest:
            found = rows.get(rest[0])
            if found and "expand[]" in query:
                found = self._expanded(noun, found)
            return (200, found) if found else (404, {"error": {"code": "resource_missing"}})
        listed = [one for one in rows.values() if query.get("payment_intent") in (None, one.get("payment_intent"))]
        start = [one["id"] for one in listed].index(query["starting_after"]) + 1 if "starting_after" in query else 0
        page = listed[start : start + 2]  # small pages, so that reading on is tried
        return 200, {"data": page, "has_more": start + 2 < len(listed)}


def check(method: str, path: str, fields: dict[str, str]) -> None:
    """The call is one of the specification's, with fields it knows and no other."""
    if not SPEC.exists() or path.startswith(BEYOND):
        return
    paths = json.loads(SPEC.read_text())["paths"]
    parts = path.split("/")
    operation = next(
        found[method]
        for template, found in paths.items()
        if method in found
        and len(template.split("/")) == len(parts)
        and all(a == b or a.startswith("{") for a, b in zip(template.split("/"), parts, strict=True))
    )
    if method == "get":
        known = {one["name"] for one in operation["parameters"]}
    else:
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        known = set(schema["properties"])
        assert set(schema.get("required", ())) <= set(fields)
        for name, value in fields.items():
            allowed = schema["properties"][name.split("[")[0]].get("enum")
            assert allowed is None or value in allowed, (name, value)
    assert {name.split("[")[0] for name in fields} <= known, (path, fields)
