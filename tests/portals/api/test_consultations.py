"""Consultations as JSON: for their client and their consultant, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.consultations import booking, profiles
from app.consultations.states import ConsultationStatus as S
from app.core.clock import utc_now
from app.core.scope import SYSTEM, Actor, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.webhooks import service as webhooks
from tests.app.consultations import making
from tests.factories import organizations, people, projects
from tests.factories.people import PLATFORM
from tests.fakes.stripe import KEY, StripePeer
from tests.portals.conftest import Browser
from tests.stores import environment

SignIn = Callable[[Portal, str], Browser]
URL = "/api/v1/consultations"
SOON = (utc_now() + timedelta(days=9)).replace(hour=10, minute=0, second=0, microsecond=0)


def _send(browser: Browser, path: str, body: dict[str, Any], method: str = "POST", **headers: str) -> TestResponse:
    return browser.open(
        f"{URL}{path}", method=method, json=body, headers={"X-CSRFToken": browser.csrf_token(), **headers}
    )


def _wanted(advisor: UUID, **more: Any) -> dict[str, Any]:
    return {"advisor_id": str(advisor), "duration_minutes": 30, "starts_at": SOON.isoformat(), "locale": "en-GB",
            "client_timezone": "Europe/Berlin", **more}  # fmt: skip


def test_prices_are_public(client: Browser, advisor: UUID) -> None:
    data = client.get(f"{URL}/pricing").json["data"]  # type: ignore[index]
    assert [(one["duration_minutes"], one["price_cents"]) for one in data] == [(15, 900), (30, 1900), (60, 3500)]


def test_booking(noor: Browser, advisor: UUID) -> None:
    made = _send(noor, "/book", _wanted(advisor))
    assert made.status_code == 201, made.text
    body = made.json
    assert body is not None
    assert (body["price_cents"], body["advisor_earnings_cents"], body["status"]) == (1900, 1330, "pending")
    assert body["pricing_snapshot"]["rule"] == "advisor"
    assert body["pricing_snapshot"]["shares"] == []  # who else is paid is nothing to a client
    assert body["payment_intent_id"]
    shown = noor.get(f"{URL}/{body['consultation_id']}").json
    assert shown is not None
    assert (shown["advisor_name"], shown["client_timezone"], shown["locale"]) == ("Ada Vance", "Europe/Berlin", "en_GB")
    assert len(noor.get(URL).json["data"]) == 1  # type: ignore[index]


def test_either_casing_is_read(noor: Browser, advisor: UUID) -> None:
    given = _wanted(advisor)
    camel = {re.sub("_(.)", lambda found: found[1].upper(), name): value for name, value in given.items()}
    made = _send(noor, "/book", camel)
    assert made.status_code == 201, made.text
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE consultations SET status = 'completed'"))
    url = f"/{made.json['consultation_id']}/review"  # type: ignore[index]
    assert _send(noor, url, {"rating": 5, "expertiseRating": 6}).status_code == 422
    assert _send(noor, url, {"rating": 5, "expertiseRating": 3}).status_code == 201
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT expertise FROM reviews")).scalar_one() == 3


def test_the_same_key_books_once(noor: Browser, advisor: UUID) -> None:
    answers = [_send(noor, "/book", _wanted(advisor), **{"Idempotency-Key": "one"}) for _again in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    other = _send(noor, "/book", _wanted(advisor, duration_minutes=15), **{"Idempotency-Key": "one"})
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"duration_minutes": 45}, 422, "duration_minutes"),
        ({"duration_minutes": "30"}, 422, "duration_minutes"),
        ({"advisor_id": "x"}, 422, "advisor_id"),
        ({"starts_at": "soon"}, 422, "starts_at"),
        ({"client_timezone": "Atlantis"}, 422, "client_timezone"),
        ({"locale": "??"}, 422, "locale"),
        ({"advisor_id": str(UUID(int=1))}, 404, ""),
        ({"starts_at": SOON.replace(hour=20).isoformat()}, 409, ""),
    ],
)
def test_what_is_refused(noor: Browser, advisor: UUID, change: dict[str, Any], status: int, field: str) -> None:
    answer = _send(noor, "/book", _wanted(advisor, **change))
    assert answer.status_code == status, answer.text
    assert not field or field in answer.get_json(force=True)["errors"]


def test_an_advisor_who_takes_no_bookings(noor: Browser, advisor: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        profiles.accept_bookings(session, operator(), advisor, False)
    assert _send(noor, "/book", _wanted(advisor)).status_code == 409


def test_the_calendar_gives_the_time(noor: Browser, advisor: UUID) -> None:
    wanted = _wanted(advisor, cal_booking_id="cal-1")
    del wanted["starts_at"]
    assert _send(noor, "/book", wanted).status_code == 422  # nobody told us of it
    with unit_of_work(PLATFORM) as session:
        event = {"uid": "cal-1", "starts_at": SOON.isoformat(), "happened_at": "2026-01-01", "ignored": None}
        webhooks.receive_calendar(session, "calcom", "1", event)
    made = _send(noor, "/book", wanted)
    assert made.status_code == 201, made.text
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT uid FROM calendar_bookings")).scalar() == "cal-1"
    assert _send(noor, "/book", wanted).status_code == 409


def _booked(noor: Browser, advisor: UUID) -> str:
    made = _send(noor, "/book", _wanted(advisor)).json
    assert made is not None
    with unit_of_work(PLATFORM) as session:
        booking.confirm(session, SYSTEM, UUID(made["consultation_id"]))
    return str(made["consultation_id"])


def test_cancelling_says_what_goes_back_and_why(noor: Browser, advisor: UUID) -> None:
    made = _booked(noor, advisor)
    answer = _send(noor, f"/{made}/cancel", {"reason": "Ill"}, "PUT")
    assert answer.status_code == 200
    body = answer.json
    assert body is not None
    assert (body["refunded"], body["refund_cents"], body["reason_code"]) == (True, 1900, "early")
    assert "more than 24 hours" in body["reason"]


def test_the_consultant_sees_a_first_name(noor: Browser, advisor: UUID, sign_in: SignIn) -> None:
    made = _booked(noor, advisor)
    ada = sign_in(Portal.CONSULTANT, "ada@consultant.test")
    rows = ada.get(URL).json["data"]  # type: ignore[index]
    assert [row["client_first_name"] for row in rows] == ["Noor"]
    assert "client.test" not in ada.get(f"{URL}/{made}").text
    assert _send(ada, "/book", _wanted(advisor)).status_code == 403
    assert _send(ada, f"/{made}/review", {"rating": 5}).status_code == 403
    answer = _send(ada, f"/{made}/cancel", {}, "PUT").json
    assert answer is not None
    assert answer["reason_code"] == "by_consultant"


def test_reviewing(noor: Browser, advisor: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        account = session.execute(text("SELECT id FROM accounts WHERE portal = 'client'")).scalar_one()
    held = making.consultation(advisor, Actor("Noor", "client", account), S.COMPLETED, SOON - timedelta(days=20))
    assert _send(noor, f"/{held}/review", {"rating": 6}).status_code == 422
    assert _send(noor, f"/{held}/review", {"rating": "5"}).status_code == 422
    assert (
        _send(noor, f"/{held}/review", {"rating": 5, "review_text": "Clear", "expertise_rating": 4}).status_code == 201
    )
    assert _send(noor, f"/{held}/review", {"rating": 5}).status_code == 409


def test_nobody_else(client: Browser, noor: Browser, advisor: UUID, sign_in: SignIn) -> None:
    made = _booked(noor, advisor)
    assert client.get(URL).status_code == 401
    assert _send(client, "/book", _wanted(advisor)).status_code == 401
    people.account(Portal.CLIENT, "sam@client.test")
    people.admin("root@quittance.test")
    sam, root = sign_in(Portal.CLIENT, "sam@client.test"), sign_in(Portal.ADMIN, "root@quittance.test")
    assert sam.get(f"{URL}/{made}").status_code == 404
    assert _send(sam, f"/{made}/cancel", {}, "PUT").status_code == 404
    assert root.get(URL).status_code == 404
    without_token = noor.open(f"{URL}/{made}/cancel", method="PUT", json={})
    assert without_token.status_code == 400


def test_with_stripe_the_answer_has_what_the_browser_confirms_with(noor: Browser, advisor: UUID) -> None:
    peer = StripePeer()
    with environment(STRIPE_SECRET_KEY=KEY, STRIPE_PUBLISHABLE_KEY="pk_test_x", STRIPE_URL=peer.url):
        first, again = (_send(noor, "/book", _wanted(advisor), **{"Idempotency-Key": "one"}) for _again in range(2))
        assert first.status_code == 201, first.text
        body = first.json
        assert body is not None and again.json is not None
        assert (body["payment_intent_id"], body["client_secret"]) == ("pi_1", "pi_secret")
        assert (again.json["consultation_id"], again.json["client_secret"]) == (body["consultation_id"], None)
        shown = noor.get(f"{URL}/{body['consultation_id']}").json
        assert shown is not None and shown["client_secret"] == "pi_secret"
        assert len(peer.intents) == 1
        peer.lose_replies = 1  # the booking stands although the provider says nothing
        later = (SOON + timedelta(hours=1)).isoformat()
        alone = _send(noor, "/book", _wanted(advisor, starts_at=later))
        assert alone.status_code == 201 and alone.json is not None and alone.json["client_secret"] is None
    peer.close()


def test_a_project_is_one_of_the_clients_own_organization(noor: Browser, advisor: UUID) -> None:
    mine, other = organizations.organization("acme"), organizations.organization("globex")
    people.member(mine, Role.LEARNER, "noor@client.test")
    mine_id, other_id = (
        projects.project(one, projects.contractor(one, email=f"{one}@contractor.test")) for one in (mine, other)
    )
    for wrong in (str(other_id), str(advisor), "x"):
        refused = _send(noor, "/book", _wanted(advisor, project_id=wrong))
        assert refused.status_code == 422 and "project_id" in refused.text
    made = _send(noor, "/book", _wanted(advisor, project_id=str(mine_id)))
    assert made.status_code == 201, made.text
    assert made.json is not None and made.json["project_id"] == str(mine_id)
    with unit_of_work(PLATFORM) as session:
        row = session.execute(text("SELECT project_id, buyer_organization_id, paid_by FROM consultations")).one()
    assert tuple(row) == (mine_id, mine, "tag")
    assert "Loyalty email series" in noor.get(f"/client/consultations/{made.json['consultation_id']}").text
