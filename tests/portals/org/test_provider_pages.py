"""Pages of an organization that provides: its earnings, its own payouts and account, its consultants."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from app.charges.states import ChargeProvider
from app.consultations import money
from app.consultations.states import ConsultationStatus, PaidBy
from app.core.errors import Forbidden
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.models import Organization
from app.organizations.states import OrganizationKind, Role
from app.payees import service as payees
from app.payees.states import EngagementStatus
from tests.factories import bookings as make
from tests.factories import people
from tests.factories.organizations import credit, provides
from tests.factories.payouts import PLATFORM, method
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House
from tests.stores import environment

HERE = "/org/oxford"
READ_BY_ADMINS = ("earnings", "earnings.csv", "provider-payouts")
OWNERS_ONLY = ("provider-payouts/new", "payout-account", "payout-account/new")
ACCOUNT = {
    "detail_account_holder": "Oxford Ltd", "detail_country": "GB", "detail_sort_code": "07-02-46",
    "detail_account_number": "13010000", "default": "y",
}  # fmt: skip


@pytest.fixture
def own(house: House) -> UUID:
    return provides(house.organization_id)


def held_session(house: House, *, buyer: bool = False) -> None:
    """A consultation of 100 pounds that was paid and held; `buyer`: by the organization itself."""
    somebody = make.consultant(house.organization_id, currency="GBP")
    what = make.offering(house.organization_id, somebody, 100_00, "GBP", 60)
    paid_by = PaidBy.INVOICE if buyer else PaidBy.CARD
    held = make.booked(
        what, somebody, make.client_account(email=f"{what.id.hex[-8:]}@client.test"), hours=0, paid_by=paid_by,
        buyer=house.organization_id if buyer else None,
    )  # fmt: skip
    with unit_of_work(PLATFORM) as session:
        provider = ChargeProvider.FUNDS if buyer else ChargeProvider.SIMULATED
        made = money.charge(session, SYSTEM, held, provider)
        money.paid(session, SYSTEM, made.id)
    make.advance(held.id, ConsultationStatus.BOOKED, ConsultationStatus.COMPLETED)
    with unit_of_work(PLATFORM) as session:
        money.release(session, SYSTEM, [held.id])


def test_earnings_say_what_is_ready_and_why_the_rest_is_not(house: House, own: UUID) -> None:
    held_session(house)
    credit(house.organization_id, 1_000_00)
    held_session(house, buyer=True)
    page = house.browser.get(f"{HERE}/earnings").text
    assert "60 minutes with Ada" in page and "£5.00" in page and "Lovelace" not in page
    assert "own consultant" in page  # the organization's member booked its own consultant: said, never netted
    assert "invoice" in page  # which waits until it is paid
    file = house.browser.get(f"{HERE}/earnings.csv").text
    assert file.count("60 minutes with Ada") == 2 and file.count("own consultant") == 1


def test_an_owner_asks_sees_what_would_be_paid_and_follows_it(house: House, own: UUID) -> None:
    held_session(house)
    page = house.browser.get(f"{HERE}/provider-payouts/new").text
    assert "No payout method" in page
    refused = house.browser.post(f"{HERE}/provider-payouts/new", {})
    assert refused.status_code == 422 and "No payout method" in refused.text
    with unit_of_work(PLATFORM) as session:
        method(session, own, "simulated")
    assert "£5.00" in house.browser.get(f"{HERE}/provider-payouts/new").text
    made = house.browser.post(f"{HERE}/provider-payouts/new", {})
    assert made.status_code == 303
    page = house.browser.get(made.headers["Location"]).text
    assert "60 minutes with Ada" in page and "£5.00" in page and "Meera Iyer" in page
    assert "£5.00" in house.browser.get(f"{HERE}/provider-payouts").text
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT status FROM batches WHERE own")).scalar_one() == "submitted"


def test_the_account_is_shown_by_its_last_four_signs_and_a_change_waits(house: House, own: UUID) -> None:
    wrong = house.browser.post(f"{HERE}/payout-account/new?rail=bank_file", {**ACCOUNT, "detail_sort_code": "1"})
    assert wrong.status_code == 422 and "Oxford Ltd" in wrong.text
    added = house.browser.post(f"{HERE}/payout-account/new?rail=bank_file", ACCOUNT)
    assert added.status_code == 303
    page = house.browser.get(f"{HERE}/payout-account").text
    assert "0000" in page and "13010000" not in page and "usable from" not in page
    held_session(house)
    asking = house.browser.get(f"{HERE}/provider-payouts/new").text
    assert "••0000" in asking and "£5.00" in asking and "did not arrive" not in asking
    other = {**ACCOUNT, "detail_account_number": "31926819"}
    form = house.browser.get(f"{HERE}/payout-account/new?rail=bank_file").text
    assert "72 hours" in form
    assert house.browser.post(f"{HERE}/payout-account/new?rail=bank_file", other).status_code == 303
    assert "usable from" in house.browser.get(f"{HERE}/payout-account").text
    with unit_of_work(PLATFORM) as session:
        old = session.execute(
            text("SELECT id FROM methods WHERE payee_id = :id AND NOT is_default"), {"id": own}
        ).scalar_one()
    assert house.browser.post(f"{HERE}/payout-account/{old}/default", {}).status_code == 303
    assert house.browser.get(f"{HERE}/payout-account/{old}/removal").status_code == 200
    assert house.browser.post(f"{HERE}/payout-account/{old}/removal", {}).status_code == 303


def test_consultants_with_their_work_and_what_they_offer(house: House, own: UUID) -> None:
    held_session(house)
    page = house.browser.get(f"{HERE}/consultants").text
    assert "Meera Iyer" in page and "£85.00" in page and "£5.00" in page
    page = house.browser.get(f"{HERE}/consultants?view=offerings").text
    assert "60 minutes" in page and "£100.00" in page
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT id FROM payees WHERE kind = 'consultant'")
        one = f"{HERE}/payees/{session.execute(query).scalar_one()}"
    for browser in (house.browser, house.member(Role.MANAGER)):
        page = browser.get(one).text
        assert "1 session in the last 90 days" in page and "£100.00, theirs £85.00, yours £5.00" in page
        assert "Bookable" in page and "Shared by the organization’s rates" in page
    with environment(ENABLE_PROVIDER_ORGS="off"):
        assert "in the last 90 days" not in house.browser.get(one).text


def test_consultants_are_invited_as_what_they_are(house: House, own: UUID) -> None:
    assert "role=ORG_CONSULTANT" in house.browser.get(f"{HERE}/consultants").text
    form = house.browser.get(f"{HERE}/members/new?role=ORG_CONSULTANT").text
    assert re.search(
        r'value="ORG_CONSULTANT"[^>]*(checked|selected)|(checked|selected)[^>]*value="ORG_CONSULTANT"', form
    )
    assert house.browser.get(f"{HERE}/members/new?role=nonsense").status_code == 200


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.MANAGER])
def test_the_overview_says_what_was_earned(house: House, own: UUID, role: Role) -> None:
    held_session(house)
    browser = house.browser if role is Role.OWNER else house.member(role)
    shown = "Your organization’s part of bookings" in browser.get(f"{HERE}/").text
    assert shown is (role is not Role.MANAGER)
    with environment(ENABLE_PROVIDER_ORGS="off"):
        assert "Your organization’s part of bookings" not in browser.get(f"{HERE}/").text


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.SUPPORT])
def test_only_owners(house: House, own: UUID, role: Role) -> None:
    browser = house.member(role)
    for path in OWNERS_ONLY:
        assert browser.get(f"{HERE}/{path}").status_code == 403
    for path in READ_BY_ADMINS:
        page = browser.get(f"{HERE}/{path}")
        assert page.status_code == (200 if role is Role.ADMIN else 403) and "Ask for a payout" not in page.text
    assert browser.post(f"{HERE}/provider-payouts/new", {}).status_code == 403
    assert browser.post(f"{HERE}/payout-account/new?rail=bank_file", ACCOUNT).status_code == 403
    assert browser.get(f"{HERE}/consultants").status_code == 200


def test_strangers_and_buyers_find_nothing(house: House, strangers: list[Browser]) -> None:
    for path in (*READ_BY_ADMINS, *OWNERS_ONLY, "consultants"):
        assert house.browser.get(f"{HERE}/{path}").status_code == 404  # an organization that only buys
        for browser in strangers:
            assert browser.get(f"{HERE}/{path}").status_code == 404


def test_with_the_tier_off_pages_are_locked(house: House, own: UUID) -> None:
    held_session(house)
    with environment(ENABLE_PROVIDER_ORGS="off"):
        for path in (*READ_BY_ADMINS, *OWNERS_ONLY, "consultants"):
            page = house.browser.get(f"{HERE}/{path}").text
            assert "switched off here" in page and "60 minutes" not in page
        house.browser.post(f"{HERE}/provider-payouts/new", {})
    with unit_of_work(PLATFORM) as session:
        assert session.execute(text("SELECT count(*) FROM batches")).scalar_one() == 0


def test_own_consultants_are_flagged_on_both_sides_and_for_the_platform(
    house: House, own: UUID, sign_in: Callable[[Portal, str], Browser]
) -> None:
    with unit_of_work(PLATFORM) as session:
        session.get_one(Organization, house.organization_id).kind = OrganizationKind.HYBRID
    credit(house.organization_id, 1_000_00)
    held_session(house, buyer=True)
    held_session(house)
    assert "with an own consultant" in house.browser.get(f"{HERE}/billing").text
    people.admin("admin@quittance.test")
    admin = sign_in(Portal.ADMIN, "admin@quittance.test")
    assert admin.get("/admin/consultations").text.count("own consultant") == 1
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT id, buyer_organization_id IS NOT NULL AS own FROM consultations")
        for row in session.execute(query).all():
            page = admin.get(f"/admin/consultations/{row.id}").text
            assert ("booked its own consultant" in page) == row.own
    rows = admin.get("/api/v1/admin/consultations").get_json()["data"]
    assert sorted(row["own_consultant"] for row in rows) == [False, True]


def test_owners_choose_whether_consultants_join_at_once(house: House, own: UUID) -> None:
    form = house.browser.get(f"{HERE}/settings").text
    assert "auto_approve_consultants" in form
    said = {"name": "Oxford", "time_zone": "Europe/London", "auto_approve_consultants": "y"}
    assert house.browser.post(f"{HERE}/settings", said).status_code == 303
    assert "join at once" in house.browser.get(f"{HERE}/consultants").text
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT auto_approve_consultants FROM organizations WHERE id = :id")
        assert session.execute(query, {"id": house.organization_id}).scalar_one()


def test_nobody_here_pauses_the_organization_itself(house: House, own: UUID) -> None:
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(house.organization_id)) as session:
        payees.set_status(
            session, house.owner, house.organization_id, own, EngagementStatus.PAUSED, reason="By mistake"
        )
    assert str(own) not in house.browser.get(f"{HERE}/payees").text
