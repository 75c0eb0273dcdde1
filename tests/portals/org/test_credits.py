"""Seat credits in the organization's portal: bought by card or from funds, seen by those who may, by nobody else."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.billing.models import SeatPack
from app.charges.client_models import Charge
from app.charges.states import ChargeStatus
from app.consultations.profile_models import ConsultantProfile, Offering
from app.core import clock
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.models import Organization
from app.organizations.states import BillingMode, Role
from jobs import clients as jobs
from tests.app.consultations.test_credits import EARLY, Place, cancel
from tests.factories import bookings, people
from tests.factories.charges import funds
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.fakes.stripe import KEY, StripePeer
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, SignIn, statements
from tests.stores import environment

HERE = "/org/oxford/credits"
GOOD, DECLINED = "4242 4242 4242 4242", "4000000000000002"


@pytest.fixture
def half_hour(house: House) -> Offering:
    """Oxford pays by seat credits; the platform's half hour costs 19 dollars."""
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).billing_mode = BillingMode.SEAT_PACK
    return bookings.offering(organization("house", is_house=True, currency="USD"), None, 19_00)


def packs() -> list[SeatPack]:
    with unit_of_work(PLATFORM) as session:
        return list(session.scalars(select(SeatPack).order_by(SeatPack.id)))


def charge() -> Charge:
    with unit_of_work(PLATFORM) as session:
        return session.scalars(select(Charge)).one()


def buy(house: House, what: Offering, size: str = "5-9500", pay: str = "card", key: str = "k") -> str:
    answer = house.browser.post(
        f"{HERE}/new?offering={what.id}", {"size": size, "pay": pay, "idempotency_key": key}
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_by_card_the_credits_are_there_once_it_is_charged(house: House, half_hour: Offering) -> None:
    assert "Buy credits" in house.browser.get(HERE).text
    assert "30 minutes" in house.browser.get(f"{HERE}/new").text
    form = house.browser.get(f"{HERE}/new?offering={half_hour.id}").text
    assert "5 credits for" in form and "10% less" in form.replace(" ", "").replace("10%less", "10% less")
    at = buy(house, half_hour)
    assert buy(house, half_hour) == at and len(packs()) == 1  # sent twice, bought once
    assert at.endswith("/payment") and "$95.00" in house.browser.get(at).text.replace("US$", "$")
    assert house.browser.post(at, {"number": DECLINED}).status_code == 303
    jobs.ask(str(charge().id))
    assert charge().status is ChargeStatus.FAILED and "refused" in house.browser.get(at).text
    assert house.browser.post(at, {"number": GOOD}).status_code == 303
    assert "is being charged" in house.browser.get(at.removesuffix("/payment")).text
    jobs.ask(str(charge().id))
    page = house.browser.get(HERE).text
    assert "5 of 5" in page and "Active" in page
    assert house.browser.get(at).status_code == 303  # there is nothing to pay any more


def test_by_a_real_card_in_the_providers_field(house: House, half_hour: Offering) -> None:
    peer = StripePeer()
    try:
        with environment(STRIPE_SECRET_KEY=KEY, STRIPE_PUBLISHABLE_KEY="pk_test_fake", STRIPE_URL=peer.url):
            at = buy(house, half_hour)
            assert "being prepared" in house.browser.get(at).text
            jobs.ask(str(charge().id))
            shown = house.browser.get(at)
            assert 'data-secret="pi_secret"' in shown.text and KEY not in shown.text
            assert f'data-back="{at.removesuffix("/payment")}"' in shown.text
            assert "js.stripe.com" in shown.headers["Content-Security-Policy"]
            assert "being charged" in house.browser.get(at.removesuffix("/payment") + "?redirect_status=succeeded").text
            assert "5 of 5" not in house.browser.get(HERE).text  # a word in an address pays nothing
            peer.pays("pi_1")
            jobs.ask(str(charge().id))
            assert "5 of 5" in house.browser.get(HERE).text and charge().status is ChargeStatus.SUCCEEDED
    finally:
        peer.close()


def test_from_funds(house: House, half_hour: Offering) -> None:
    at = f"{HERE}/new?offering={half_hour.id}"
    answer = house.browser.post(at, {"size": "5-9500", "pay": "funds", "idempotency_key": "a"})
    assert answer.status_code == 409 and "do not cover" in answer.text and packs() == []
    funds(house.organization_id, 95_00, "USD")
    assert buy(house, half_hour, pay="funds").rsplit("/", 1)[1] == str(packs()[0].id)
    assert "5 of 5" in house.browser.get(HERE).text


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"size": "7-1"}, "Not a valid choice"),
        ({}, "Choose how many"),
        ({"size": "5-9500", "pay": "cash"}, "Not a valid"),
    ],
)
def test_wrong_input_is_told_beside_the_field(
    house: House, half_hour: Offering, sent: dict[str, str], told: str
) -> None:
    answer = house.browser.post(f"{HERE}/new?offering={half_hour.id}", {"pay": "card", **sent, "idempotency_key": "w"})
    assert answer.status_code == 422 and told in answer.text and 'class="error"' in answer.text and packs() == []


def test_a_card_that_is_none(house: House, half_hour: Offering) -> None:
    at = buy(house, half_hour)
    for number, told in (("1234", "none of the test cards"), ("", "Write a card number")):
        answer = house.browser.post(at, {"number": number})
        assert answer.status_code == 422 and told in answer.text
    assert charge().provider_reference is None


def test_who_is_refused(house: House, half_hour: Offering, strangers: list[Browser]) -> None:
    at = buy(house, half_hour)
    manager, support, learner = (house.member(role) for role in (Role.MANAGER, Role.SUPPORT, Role.LEARNER))
    assert manager.get(HERE).status_code == 200 and "Buy credits" not in manager.get(HERE).text
    assert manager.get(f"{HERE}/uses.csv").status_code == 200
    for path in (f"{HERE}/new", at):
        assert manager.get(path).status_code == 403 and manager.post(path, {}).status_code == 403
    for browser in (support, learner):
        for path in (HERE, f"{HERE}/new", f"{HERE}/uses.csv", at, at.removesuffix("/payment")):
            assert browser.get(path).status_code == 403
    for stranger in strangers:
        assert stranger.get(HERE).status_code == 404 and stranger.get(at).status_code == 404
    assert len(packs()) == 1


def test_an_organization_that_pays_otherwise_buys_none(house: House, half_hour: Offering) -> None:
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).billing_mode = BillingMode.TAG_ONLY
    assert "does not pay by seat credits" in house.browser.get(HERE).text
    assert "Seat credits</" not in house.browser.get("/org/oxford/funds").text
    at = f"{HERE}/new?offering={half_hour.id}"
    assert house.browser.get(at).status_code == 409
    assert house.browser.post(at, {"size": "5-9500", "pay": "card", "idempotency_key": "n"}).status_code == 409


def test_what_a_consultant_offers(house: House, half_hour: Offering) -> None:
    here = organization("clinic", currency="USD")
    somebody = bookings.consultant(here)
    own = bookings.offering(here, somebody, 50_00, minutes=60)
    assert "Meera Iyer" in house.browser.get(f"{HERE}/new").text
    with unit_of_work(PLATFORM) as session:
        slug = session.scalars(select(ConsultantProfile.slug).where(ConsultantProfile.payee_id == somebody)).one()
    assert str(own.id) in house.browser.get(f"{HERE}/new?consultant={slug}").text
    assert "60 minutes with Meera Iyer" in house.browser.get(f"{HERE}/new?offering={own.id}").text
    assert house.browser.get(f"{HERE}/new?offering={UUID(int=1)}").status_code == 404


def test_long_lists_cost_no_more_statements(sign_in: SignIn, database_url: str) -> None:
    place = Place()
    email = "boss@fernhill.test"
    people.member(place.buyer, Role.OWNER, email)
    browser = sign_in(Portal.ORG, email)
    pages = ("/org/fernhill/credits", "/org/fernhill/credits?view=uses", f"/org/fernhill/credits/{place.pack.id}")

    def counted() -> list[int]:
        found = []
        for path in pages:
            with statements() as sent:
                assert browser.get(path).status_code == 200
            found.append(len(sent))
        return found

    counted()
    few = counted()
    for day in range(3):
        place.buy(days=day)
    with clock.at(EARLY):
        for slot in range(6):
            place.book(after=slot)
    assert counted() == few


def test_each_use_with_the_first_name_alone(sign_in: SignIn, database_url: str) -> None:
    place = Place()
    with clock.at(EARLY):
        cancel(place.book())
        place.book(after=1)
    email = "boss@fernhill.test"
    people.member(place.buyer, Role.MANAGER, email)
    manager = sign_in(Portal.ORG, email)
    page = manager.get("/org/fernhill/credits?view=uses").text
    assert page.count("Noor") >= 2 and "Came back" in page and "noor@client.test" not in page
    assert "Leila Haddad" in manager.get(f"/org/fernhill/credits/{place.pack.id}").text
    lines = manager.get("/org/fernhill/credits/uses.csv").text.splitlines()
    assert len(lines) == 3 and lines[1].split(",")[3:6] == ["used", "Noor", "Leila Haddad"]
    assert "noor@client.test" not in "".join(lines)
    assert sign_in(Portal.ORG, email).get(f"/org/fernhill/credits/{UUID(int=5)}").status_code == 404
