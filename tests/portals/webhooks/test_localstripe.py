"""Webhooks another Stripe made and signed, delivered over HTTP: taken once, and refused with one byte changed."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from werkzeug.serving import make_server

from app.core import stamps
from app.core.clock import utc_now
from tests.fakes.localstripe import KEY, LocalStripe, running
from tests.fakes.simulator import wait_until
from tests.portals.conftest import Browser
from tests.stores import environment

Superuser = psycopg.Connection[tuple[Any, ...]]
PAYOUTS, CARDS = "/api/webhooks/stripe-payouts", "/api/webhooks/stripe-payments"
SECRETS = {PAYOUTS: "whsec_of_payouts", CARDS: "whsec_of_cards"}  # made up


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery as it came over the wire, and what we answered."""

    path: str
    body: bytes
    signature: str
    status: str


@dataclass
class Door:
    """The application with a note of every delivery."""

    app: Flask
    seen: list[Delivered] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        said: list[str] = []

        def start(status: str, *rest: Any) -> Any:
            said.append(status)
            return start_response(status, *rest)

        answer = self.app(environ, start)
        self.seen.append(Delivered(environ["PATH_INFO"], body, environ.get("HTTP_STRIPE_SIGNATURE", ""), said[0]))
        return answer

    def of(self, path: str, kind: str) -> list[Delivered]:
        """Those of events whose type begins with `kind`."""
        named = b'"type": "%s' % kind.encode()
        return [one for one in list(self.seen) if one.path == path and named in one.body]


@pytest.fixture
def door(app: Flask) -> Iterator[tuple[Door, str]]:
    made = Door(app)
    server = make_server("127.0.0.1", 0, made, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def stripe(door: tuple[Door, str], tmp_path: Path) -> Iterator[LocalStripe]:
    with (
        running(tmp_path / "localstripe.log") as peer,
        environment(
            STRIPE_SECRET_KEY=KEY,
            STRIPE_PUBLISHABLE_KEY="pk_test_localstripe",
            STRIPE_URL=peer.url,
            STRIPE_WEBHOOK_SECRET=SECRETS[CARDS],
            STRIPE_PAYOUTS_WEBHOOK_SECRET=SECRETS[PAYOUTS],
            STRIPE_CONNECT_WEBHOOK_SECRET="whsec_of_connected_accounts",
        ),
    ):
        for path, secret in SECRETS.items():
            peer.tells(path.rpartition("/")[2], door[1] + path, secret)
        yield peer


def stored(superuser: Superuser, source: str) -> list[str]:
    rows = superuser.execute("SELECT event_id FROM webhook_events WHERE source = %s ORDER BY id", (source,)).fetchall()
    return [row[0] for row in rows]


def again(client: Browser, one: Delivered, body: bytes | None = None, signature: str = "") -> int:
    return client.open(
        one.path,
        method="POST",
        data=one.body if body is None else body,
        headers={"Stripe-Signature": signature or one.signature, "Content-Type": "application/json"},
    ).status_code


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def refused_otherwise(client: Browser, one: Delivered, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one byte changed anywhere, with the signature changed, and later or earlier than it was signed."""
    for at in (0, len(one.body) // 3, one.body.index(b"evt_") + 5, len(one.body) - 1):
        assert again(client, one, flipped(one.body, at)) == 401
    assert again(client, one, signature=one.signature[:-1] + ("0" if one.signature[-1] != "0" else "1")) == 401
    for minutes in (6, -6):
        then = _later(minutes)
        with monkeypatch.context() as clock:
            clock.setattr(stamps, "utc_now", lambda then=then: then)
            assert again(client, one) == 401


def _later(minutes: int) -> datetime:
    return utc_now() + timedelta(minutes=minutes)


@pytest.mark.parametrize("ends", ["paid", "failed"])
def test_news_of_a_payout(
    ends: str,
    stripe: LocalStripe,
    door: tuple[Door, str],
    client: Browser,
    superuser: Superuser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = stripe.post("/v1/payouts", {"amount": "12500", "currency": "eur", "status": ends})
    wait_until(lambda: len(door[0].of(PAYOUTS, "payout.")) == 2)
    news = door[0].of(PAYOUTS, "payout.")
    assert {one.status for one in news} == {"200 OK"}
    assert all(made["id"].encode() in one.body for one in news)
    assert door[0].of(PAYOUTS, f"payout.{ends}") and door[0].of(PAYOUTS, "payout.created")
    kept = stored(superuser, "stripe_connect")
    assert len(set(kept)) == 2 and all(any(name.encode() in one.body for one in news) for name in kept)
    for one in news:
        assert again(client, one) == 200  # a repeat of Stripe's
        refused_otherwise(client, one, monkeypatch)
    assert stored(superuser, "stripe_connect") == kept


def test_news_of_a_card_payment(
    stripe: LocalStripe,
    door: tuple[Door, str],
    client: Browser,
    superuser: Superuser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"}
    method = stripe.post("/v1/payment_methods", {"type": "card", **{f"card[{k}]": v for k, v in card.items()}})
    asked = {"amount": "1900", "currency": "usd", "payment_method": method["id"], "confirm": "true"}
    made = stripe.post("/v1/payment_intents", asked)
    assert made["status"] == "succeeded"
    wait_until(lambda: door[0].of(CARDS, "payment_intent.succeeded"))
    (one,) = door[0].of(CARDS, "payment_intent.succeeded")
    assert one.status == "200 OK" and made["id"].encode() in one.body
    kept = stored(superuser, "cards.stripe")
    assert len(kept) == 1
    assert again(client, one) == 200
    refused_otherwise(client, one, monkeypatch)
    assert stored(superuser, "cards.stripe") == kept


def test_each_door_has_a_secret_of_its_own(stripe: LocalStripe, door: tuple[Door, str], client: Browser) -> None:
    stripe.post("/v1/payouts", {"amount": "100", "currency": "eur"})
    wait_until(lambda: door[0].of(PAYOUTS, "payout."))
    told = door[0].of(PAYOUTS, "payout.")[0]
    assert again(client, Delivered(CARDS, told.body, told.signature, "")) == 401
