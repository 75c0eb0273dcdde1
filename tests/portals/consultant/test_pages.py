"""A consultant's own pages: consultations, hours, offerings; nobody else finds them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from app.consultations import hours, offerings
from app.consultations.models import Consultation
from app.consultations.profile_models import Offering
from app.consultations.states import ConsultationStatus as S
from app.consultations.states import Practice
from app.core.clock import utc_now
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from tests.app.consultations import making
from tests.factories import consultations, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
SOON = (utc_now() + timedelta(days=9)).replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    return consultations.consultant()


@pytest.fixture
def priya(payee_id: UUID, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CONSULTANT, "priya@consultant.test")


def _booked(payee_id: UUID) -> UUID:
    return making.consultation(payee_id, making.client("noor@client.test"), S.BOOKED, SOON)


def test_what_is_booked(priya: Browser, payee_id: UUID, sign_in: SignIn) -> None:
    assert "Nothing is booked yet" in priya.get("/consultant/consultations").text
    booked = _booked(payee_id)
    assert "Noor" in priya.get("/consultant/consultations").text
    shown = priya.get(f"/consultant/consultations/{booked}").text
    assert "Review of a menu with Noor" in shown
    assert "80.00" in shown.replace('<span class="cents">', "")
    consultations.consultant(name="Somebody Else")
    other = sign_in(Portal.CONSULTANT, "somebody@consultant.test")
    for path in ("", "/cancellation", "/move", "/calendar.ics"):
        assert other.get(f"/consultant/consultations/{booked}{path}").status_code == 404
    assert other.post(f"/consultant/consultations/{booked}/cancellation", {"idempotency_key": "k"}).status_code == 404


def test_where_they_meet(priya: Browser, payee_id: UUID) -> None:
    booked = _booked(payee_id)
    refused = priya.post(f"/consultant/consultations/{booked}/video", {"video_url": "http://x.test"})
    assert refused.status_code == 422
    assert "https://" in refused.text
    assert priya.post(f"/consultant/consultations/{booked}/video", {"video_url": "https://x.test/1"}).status_code == 303
    assert "https://x.test/1" in priya.get(f"/consultant/consultations/{booked}").text
    file = priya.get(f"/consultant/consultations/{booked}/calendar.ics")
    assert file.content_type.startswith("text/calendar")
    assert b"SUMMARY:Review of a menu with Noor" in file.data


def test_moving_by_the_consultant(priya: Browser, payee_id: UUID) -> None:
    booked = _booked(payee_id)
    with unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {n: [(480, 720)] for n in range(7)}, "UTC")
    url = f"/consultant/consultations/{booked}/move"
    assert priya.get(url).status_code == 200
    assert priya.post(url, {"starts_at": "soon"}).status_code in (409, 422)
    assert priya.post(url, {"starts_at": SOON.replace(hour=20).isoformat()}).status_code == 409
    later = SOON + timedelta(days=1)
    assert priya.post(url, {"starts_at": later.isoformat()}).status_code == 303
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Consultation, booked).starts_at == later


def test_hours(priya: Browser, payee_id: UUID) -> None:
    week = {"time_zone": "Europe/Berlin", "day_0": "9-12:30, 14:00–17:00", "day_6": ""}
    refused = priya.post("/consultant/availability", week | {"day_1": "soon", "day_2": "12-9"})
    assert refused.status_code == 422
    assert "Write hours like" in refused.text
    assert "9-12:30, 14:00–17:00" in refused.text
    assert priya.post("/consultant/availability", week).status_code == 303
    assert "09:00–12:30, 14:00–17:00" in priya.get("/consultant/availability").text
    day = (utc_now() + timedelta(days=20)).date().isoformat()
    assert priya.post("/consultant/availability/days", {"day": "2020-01-01"}).status_code == 422
    assert priya.post("/consultant/availability/days", {"day": day, "hours": "nine"}).status_code == 422
    assert priya.post("/consultant/availability/days", {"day": day, "note": "Holiday"}).status_code == 303
    assert "Holiday" in priya.get("/consultant/availability").text
    priya.post("/consultant/availability/days/removal", {"day": day})
    assert "Holiday" not in priya.get("/consultant/availability").text


def test_offerings(priya: Browser, payee_id: UUID) -> None:
    consultations.consultant(name="Ines Marques")
    given = {"kind": "consultation", "title": "Menu", "duration_minutes": "45", "price": "120", "currency": "EUR",
             "capacity": "1"}  # fmt: skip
    refused = priya.post("/consultant/offerings/new", given | {"duration_minutes": "2", "title": "Menus for all"})
    assert refused.status_code == 422
    assert "From 5 minutes" in refused.text
    assert "Menus for all" in refused.text
    assert priya.post("/consultant/offerings/new", given).status_code == 303
    with unit_of_work(PLATFORM) as session:
        made = session.scalars(select(Offering).where(Offering.payee_id == payee_id)).one()
    url = f"/consultant/offerings/{made.id}"
    assert "€120.00" in priya.get("/consultant/offerings").text
    assert priya.post(url, given | {"price": "150"}).status_code == 303
    assert priya.post(f"{url}/shares", {"weights": "ines-marques"}).status_code == 422
    assert priya.post(f"{url}/shares", {"weights": "ines-marques 1"}).status_code == 422
    assert priya.post(f"{url}/shares", {"weights": "priya-raghavan 3\nines-marques 1"}).status_code == 303
    assert "Ines Marques" in priya.get(url).text
    assert priya.post(f"{url}/end").status_code == 303
    with unit_of_work(PLATFORM) as session:
        found = session.get_one(Offering, made.id)
        assert (found.price_minor, found.active) == (150_00, False)


def test_others_offerings(priya: Browser, sign_in: SignIn) -> None:
    other = consultations.consultant(name="Ines Marques")
    with unit_of_work(Scope.payee(other)) as session:
        form = offerings.OfferingForm(offerings.OfferingKind.CONSULTATION, "Hers", 30, offerings.Money(1000, "USD"))
        hers = offerings.create(session, making.actor_of(other), other, form).id
    assert priya.get(f"/consultant/offerings/{hers}").status_code == 404
    assert priya.post(f"/consultant/offerings/{hers}/end").status_code == 404


def test_advisors_see_the_platforms_prices(sign_in: SignIn, database_url: str) -> None:
    consultations.consultant(name="Ada Vance", practice=Practice.ADVISOR)
    ada = sign_in(Portal.CONSULTANT, "ada@consultant.test")
    shown = ada.get("/consultant/offerings").text
    assert "$19.00" in shown
    assert "premium plan" in shown
    assert ada.post("/consultant/offerings/new", {
        "kind": "consultation", "title": "Menu", "duration_minutes": "45", "price": "120", "currency": "EUR",
    }).status_code == 403  # fmt: skip


def test_a_vendor_finds_none_of_it(sign_in: SignIn, payee_id: UUID) -> None:
    people.account(Portal.CLIENT, "sam@client.test")
    sam = sign_in(Portal.CLIENT, "sam@client.test")
    for path in ("consultations", "availability", "offerings", "offerings/new"):
        assert sam.get(f"/consultant/{path}").status_code == 404
