"""What a payee does on Stripe's pages, at the simulator that stands for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.core import stamps
from app.core.stripe_wire import SIGNATURE
from app.rails.access import simulated_credential
from tests.fakes.simulator import SimulatorPeer
from tests.stores import environment

HOOK = "/api/webhooks/stripe-payouts"


@contextmanager
def simulated(folder: Path) -> Iterator[SimulatorPeer]:
    """The simulator, and settings that lead to it; it tells nobody anything."""
    peer = SimulatorPeer(folder)
    peer.start()
    try:
        with environment(SIMULATOR_URL=peer.url):
            yield peer
    finally:
        peer.kill()


def visit(url: str, choice: str) -> str:
    """Open a page of Stripe's and press a button; the path and query of where it leads."""
    with httpx.Client(trust_env=False) as browser:
        shown = browser.get(url)
        if shown.status_code != 200:
            return path_of(shown.headers["Location"])
        parts = urlsplit(url)
        fields = dict(httpx.QueryParams(parts.query))
        answer = browser.post(f"{parts.scheme}://{parts.netloc}{parts.path}", data={**fields, "choice": choice})
    assert answer.status_code == 303, answer.text
    return path_of(answer.headers["Location"])


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def event(kind: str, about: dict[str, Any], account: str = "", event_id: str = "evt_1") -> tuple[bytes, dict[str, str]]:
    """Body and headers of what Stripe would tell, signed as it signs."""
    said: dict[str, Any] = {
        "id": event_id, "object": "event", "type": kind, "created": 1_763_000_000, "livemode": False,
        "data": {"object": about},
    }  # fmt: skip
    if account:
        said["account"] = account
    body = json.dumps(said).encode()
    name = "STRIPE_CONNECT_WEBHOOK_SECRET" if account else "STRIPE_PAYOUTS_WEBHOOK_SECRET"
    signed = stamps.sign(simulated_credential("stripe_connect", name), body)
    return body, {SIGNATURE: signed, "Content-Type": "application/json"}
