"""A consultant's start page and analytics: advisor, consultant, doctor; with and without the plan; who is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import Practice
from app.core.clock import today, utc_now
from app.core.scope import operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.payees import service as payees
from app.payees.states import PayeeKind
from tests.factories import appointments as clinics
from tests.factories import bookings, consultations, earned, people
from tests.factories.earned import World
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.public.test_advisors_many import statements

SignIn = Callable[[Portal, str], Browser]
URL, ANALYTICS = "/consultant/", "/consultant/analytics"


@pytest.fixture
def house(database_url: str) -> UUID:
    return organization("provider")


@pytest.fixture
def world(house: UUID) -> World:
    payee_id = consultations.consultant(house)
    partner = consultations.consultant(house, name="Ines Marques")
    return earned.world(house, payee_id, partner, bookings.client_account())


@pytest.fixture
def priya(world: World, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CONSULTANT, "priya@consultant.test")


def plain(browser: Browser, url: str = URL) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    main = answer.text.partition("<main")[2]
    return re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", "", main, flags=re.DOTALL))


def premium(payee_id: UUID, days: int = 0) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(
            update(ConsultantProfile)
            .where(ConsultantProfile.payee_id == payee_id)
            .values(premium_until=today() + timedelta(days=days))
        )


def test_a_consultant(priya: Browser, world: World) -> None:
    shown = plain(priya)
    for word in (
        "Priya",
        "Earned by month",
        "Ada, 60 minutes",
        "Next payout",
        "The next monthly run is on",
        "Sessions",
    ):
        assert word in shown
    assert "$139.50" in shown  # 85.00 held + 42.50 shared + 12.00 given: ready
    assert "$85.00" in shown
    assert "After the session" in shown
    assert "Part of the premium plan" in shown
    assert "Appointments of this month" not in shown
    part = priya.get(URL, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    assert part.text.lstrip().startswith('<section class="card')


def test_an_advisor_who_earned_nothing(database_url: str, sign_in: SignIn) -> None:
    consultations.consultant(name="Ada Vance", practice=Practice.ADVISOR)
    shown = plain(sign_in(Portal.CONSULTANT, "ada@consultant.test"))
    for word in ("Nothing earned in this time", "Nothing is booked", "Nothing waits to be paid", "0 reviews"):
        assert word in shown


def test_a_doctor(database_url: str, sign_in: SignIn) -> None:
    place = clinics.clinic(0)
    consultations.consultant(place.organization_id, Practice.DOCTOR, "Dr. Wanjiru Kamau", currency="KES",
                             email="wanjiru@clinic.test")  # fmt: skip
    with unit_of_work(PLATFORM) as session:
        place.payee_ids.append(
            session.query(ConsultantProfile).where(ConsultantProfile.practice == Practice.DOCTOR).one().payee_id
        )
    now = utc_now().replace(microsecond=0)
    clinics.held(place, now)
    shown = plain(sign_in(Portal.CONSULTANT, "wanjiru@clinic.test"))
    for word in ("Wanjiru", "1 appointment", "KES 500.00 each", "The next monthly run is on"):
        assert word in shown
    assert "Next sessions" not in shown


def test_without_a_profile(house: UUID, sign_in: SignIn) -> None:
    with unit_of_work(PLATFORM) as session:
        made = payees.create(
            session, operator(), house, kind=PayeeKind.CONSULTANT, name="New Person", currency="USD", terms_days=0
        ).id
    people.account(Portal.CONSULTANT, "new@consultant.test", made)
    new = sign_in(Portal.CONSULTANT, "new@consultant.test")
    assert "Nothing waits to be paid" in plain(new)
    assert "premium plan" in plain(new, ANALYTICS)


def test_analytics_are_of_the_plan(priya: Browser, world: World) -> None:
    locked = plain(priya, ANALYTICS)
    assert "Returning clients" in locked and "How many of your clients came back." in locked
    assert "Sessions held" not in locked
    premium(world.payee_id, -1)
    assert "Sessions held" not in plain(priya, ANALYTICS)
    premium(world.payee_id)
    shown = plain(priya, ANALYTICS)
    for word in ("Sessions held", "0 of 1 clients", "60 min", "Canceled by you"):
        assert word in shown
    assert "Part of the premium plan" not in plain(priya)


def test_others_do_not_find_it(world: World, sign_in: SignIn) -> None:
    people.account(Portal.CLIENT, "sam@client.test")
    sam = sign_in(Portal.CLIENT, "sam@client.test")
    assert [sam.get(url).status_code for url in (URL, ANALYTICS)] == [404, 404]


def test_many_cost_what_few_cost(priya: Browser, world: World, house: UUID) -> None:
    def cost() -> list[int]:
        found = []
        for url in (URL, ANALYTICS):
            with statements() as seen:
                plain(priya, url)
            found.append(len(seen))
        return found

    premium(world.payee_id)
    cost()
    few = cost()
    what = bookings.offering(house, world.payee_id, 70_00, currency="EUR")
    for number in range(8):
        earned.paid(what, world.payee_id, world.client, hours=200 + number)
    assert cost() == few
    assert "€" in plain(priya)
