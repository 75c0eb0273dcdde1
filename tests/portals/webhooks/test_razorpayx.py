"""RazorpayX at the door: signed calls are stored once, and only where it is set up."""

from __future__ import annotations

from typing import Any

import psycopg

from app.core.macs import mac as signature
from app.rails.razorpayx import SIGNATURE_HEADER
from app.rails.razorpayx_wire import EVENT_HEADER
from tests.fakes.razorpayx import ENVIRONMENT, WEBHOOK_SECRET
from tests.portals.conftest import Browser
from tests.stores import environment

URL = "/api/webhooks/razorpayx"
BODY = b'{"entity":"event","event":"payout.downtime.started","payload":{"payout.downtime":{"entity":{}}}}'


def post(client: Browser, body: bytes = BODY, event_id: str = "evt_1", secret: str = WEBHOOK_SECRET) -> int:
    headers = {SIGNATURE_HEADER: signature(secret, body), EVENT_HEADER: event_id}
    return client.open(URL, method="POST", data=body, headers=headers).status_code


def test_stored_once(client: Browser, superuser: psycopg.Connection[tuple[Any, ...]]) -> None:
    with environment(**ENVIRONMENT):
        assert [post(client), post(client), post(client, event_id="evt_2")] == [200, 200, 200]
        assert post(client, secret="another") == 401
        assert post(client, BODY + b" ", secret=WEBHOOK_SECRET) == 200
    rows = superuser.execute("SELECT source, event_id, event ->> 'about' FROM webhook_events ORDER BY id").fetchall()
    assert rows == [("razorpayx", name, "payout.downtime.started") for name in ("evt_1", "evt_2")]


def test_not_there_where_it_is_not_set_up(client: Browser) -> None:
    assert post(client) == 404
    with environment(**{**ENVIRONMENT, "RAZORPAYX_KEY_ID": "rzp_live_" + "fake"}):
        assert post(client) == 404
