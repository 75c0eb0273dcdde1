"""Received events for admins: masked unless asked for with a reason, by state, run again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from app.core.topics import Topic
from app.db.session import unit_of_work
from app.rails.base import Outcome, RailEvent, Result
from app.webhooks import service as webhooks
from app.webhooks.models import EventStatus
from jobs import payouts as jobs
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import withdrawn
from tests.portals.conftest import Browser
from tests.stores import environment

Superuser = psycopg.Connection[tuple[Any, ...]]
BODY = b"""{"id": "evt_1", "note": "mail jane@example.test, account 12345678", "amount": 1200,
    "customer": {"full_name": "Jane Doe"}}"""


def received(body: bytes = b'{"id": "evt_1"}', **evidence: str) -> UUID:
    with unit_of_work(PLATFORM) as session:
        event = RailEvent("evt_1", Result("payout-unknown-1", Outcome.PAID, "ref"), evidence)
        webhooks.receive(session, "simulated", [event], body)
        return session.execute(text("SELECT id FROM webhook_events")).scalar_one()  # type: ignore[no-any-return]


def looks(superuser: Superuser) -> list[tuple[Any, ...]]:
    query = "SELECT actor, subject_id, detail FROM audit_records WHERE action = 'webhook.opened' ORDER BY id"
    return superuser.execute(query).fetchall()


def test_the_page_shows_no_personal_data(browser: Browser, superuser: Superuser) -> None:
    page = browser.get(f"/admin/webhooks/{received(BODY, account_holder='Jane Doe')}").text
    for secret in ("Jane Doe", "jane@example.test", "12345678"):
        assert secret not in page
    assert "evt_1" in page and "1200" in page and "•••5678" in page and "Show as received" in page
    assert looks(superuser) == []


def test_a_delivery_that_is_not_json_is_not_shown(browser: Browser) -> None:
    page = browser.get(f"/admin/webhooks/{received(b'name=Jane+Doe')}").text
    assert "Jane" not in page and "it cannot be masked and is not shown" in page


def test_as_received_it_is_shown_for_a_reason_that_is_kept(browser: Browser, superuser: Superuser) -> None:
    event_id = received(BODY)
    address = f"/admin/webhooks/{event_id}/received"
    asked = browser.get(address)
    assert asked.status_code == 200 and "Jane" not in asked.text
    for reason in ("", "   "):
        refused = browser.post(address, {"reason": reason})
        assert refused.status_code == 422 and "Jane" not in refused.text and "Give a reason." in refused.text
    assert looks(superuser) == []
    shown = browser.post(address, {"reason": "PayPal asks for it"})
    assert shown.status_code == 200 and "Jane Doe" in shown.text and "jane@example.test" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    ((actor, subject, detail),) = looks(superuser)
    assert (actor, subject) == ("Admin", event_id)
    assert detail == {"reason": "PayPal asks for it", "source": "simulated", "event": "evt_1"}


def test_as_received_it_needs_a_fresh_proof(browser: Browser, superuser: Superuser) -> None:
    address = f"/admin/webhooks/{received(BODY)}/received"
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '1 day'")
    for answer in (browser.get(address), browser.post(address, {"reason": "Curious"})):
        assert answer.status_code == 303 and "step-up" in answer.location
    assert looks(superuser) == []


def test_there_is_nothing_to_show_where_nothing_is_kept(browser: Browser, superuser: Superuser) -> None:
    with unit_of_work(PLATFORM) as session:
        webhooks.receive_order(session, "shopify", "1", {"ignored": "no order"}, b'{"email": "jane@example.test"}')
        event_id = session.execute(text("SELECT id FROM webhook_events")).scalar_one()
    page = browser.get(f"/admin/webhooks/{event_id}").text
    assert "are not kept" in page and "Show as received" not in page and "SHA-256" in page
    assert browser.post(f"/admin/webhooks/{event_id}/received", {"reason": "Look"}).status_code == 404
    assert superuser.execute("SELECT to_jsonb(e)::text LIKE '%jane%' FROM webhook_events e").fetchone() == (False,)


def test_a_lost_key_is_said(browser: Browser, superuser: Superuser) -> None:
    event_id = received(BODY)
    superuser.execute("UPDATE webhook_events SET body_sealed = overlay(body_sealed placing '00000000' from 4)")
    page = browser.get(f"/admin/webhooks/{event_id}")
    assert page.status_code == 200 and "not among the keys of this deployment" in page.text
    answer = browser.post(f"/admin/webhooks/{event_id}/received", {"reason": "Look"})
    assert answer.status_code == 409 and "not among the keys" in answer.text
    assert looks(superuser) == []  # nothing was seen


def test_after_a_change_of_keys_it_opens_as_before(browser: Browser) -> None:
    from app.core.settings import settings

    event_id, old = received(BODY), settings().encryption_key
    with environment(PAYOUT_ENCRYPTION_KEY="another key, thirty-two letters ++", PAYOUT_ENCRYPTION_KEYS_OLD=old):
        assert "•••5678" in browser.get(f"/admin/webhooks/{event_id}").text


@pytest.mark.usefixtures("place")
def test_it_leads_to_the_payout_it_is_about(browser: Browser, place: Shop, superuser: Superuser) -> None:
    event_id, payout_id = received(), withdrawn(place)
    assert "/admin/payouts/" + str(payout_id) not in browser.get(f"/admin/webhooks/{event_id}").text
    superuser.execute(
        "INSERT INTO payout_attempts (organization_id, payee_id, payout_id, number, rail, key, request_sha256, status)"
        " SELECT organization_id, payee_id, id, 1, rail, 'payout-unknown-1', 'h', 'accepted' FROM payouts"
    )
    assert f'href="/admin/payouts/{payout_id}"' in browser.get(f"/admin/webhooks/{event_id}").text


def test_by_source_and_by_how_the_id_begins(browser: Browser, place: Shop) -> None:
    with unit_of_work(PLATFORM) as session:
        for source, names in (("paypal", ("WH-1", "WH-2")), ("razorpayx", ("evt_1", "WH-3"))):
            webhooks.receive(session, source, [RailEvent(name, about="x") for name in names], b"{}")
        webhooks.receive_cards(session, "stripe", "evt_9", {"ignored": "x"})

    def shown(query: str) -> set[str]:
        page = browser.get(f"/admin/webhooks?{query}").text
        return {name for name in ("WH-1", "WH-2", "WH-3", "evt_1", "evt_9") if f">{name}</a>" in page}

    assert shown("") == {"WH-1", "WH-2", "WH-3", "evt_1", "evt_9"} == shown("source=nobody")
    assert shown("source=paypal") == {"WH-1", "WH-2"}
    assert shown("id=WH-") == {"WH-1", "WH-2", "WH-3"}
    assert shown("id=WH-&source=razorpayx") == {"WH-3"}
    assert shown("id=evt_&status=received") == {"evt_1", "evt_9"}
    assert shown("id=%25") == set() == shown("id=evt_&status=failed")
    page = browser.get("/admin/webhooks?id=WH-&source=paypal&limit=1").text
    assert "Nothing matches" in browser.get("/admin/webhooks?id=nothing").text
    assert 'value="WH-"' in page and "source=paypal" in page  # what was asked for stays, also in the tabs


def test_by_state_and_run_again(browser: Browser, place: Shop) -> None:
    event_id = received()
    jobs.apply_events([str(event_id)])
    assert "evt_1" in browser.get("/admin/webhooks?status=ignored").text
    assert "None in this state" in browser.get("/admin/webhooks?status=failed").text
    with unit_of_work(PLATFORM) as session:
        session.execute(text("DELETE FROM outbox"))
    assert browser.post(f"/admin/webhooks/{event_id}/run").status_code == 303
    with unit_of_work(PLATFORM) as session:
        status = session.execute(text("SELECT status FROM webhook_events")).scalar_one()
        promised = session.execute(text("SELECT topic, payload FROM outbox")).one()
        assert session.execute(
            text("SELECT count(*) FROM audit_records WHERE action = 'webhook.run_again'")
        ).scalar_one()
    assert status == EventStatus.RECEIVED.value
    assert promised.topic == Topic.WEBHOOK_RECEIVED.value and promised.payload["webhook_ids"] == [str(event_id)]
