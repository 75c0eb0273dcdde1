"""An organization that buys and provides: both sides, whole, also when its own member books its own consultant."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import text

from app.billing import limits, settling
from app.charges import cover
from app.charges.states import ReturnKind
from app.consultations import money
from app.core.errors import Conflict
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.organizations.states import BillingMode, OrganizationKind, Role
from app.reporting import doctor
from jobs import billing as jobs
from tests.factories import billing
from tests.factories.organizations import credit, provides
from tests.factories.people import PLATFORM
from tests.portals.org.conftest import House
from tests.portals.org.test_provider_pages import HERE, held_session

BOTH = ("appointments", "rates", "bills", "funds", "payouts", "batches", "members")
PROVIDES = ("consultants", "earnings", "provider-payouts", "payout-account")
BUYS = ("billing",)


def become(house: House, kind: OrganizationKind, mode: BillingMode = BillingMode.TAG_ONLY) -> None:
    with unit_of_work(PLATFORM) as session:
        here = session.get_one(Organization, house.organization_id)
        here.kind, here.billing_mode = kind, mode


@pytest.fixture
def own(house: House) -> UUID:
    """Its own payee; it may book on account up to £200."""
    made = provides(house.organization_id)
    become(house, OrganizationKind.HYBRID, BillingMode.INVOICED_MONTHLY)
    credit(house.organization_id, 200_00)
    billing.issuer()
    return made


@pytest.mark.parametrize(
    ("kind", "shown", "hidden"),
    [
        (OrganizationKind.HYBRID, (*BOTH, *PROVIDES, *BUYS), ()),
        (OrganizationKind.PROVIDER, (*BOTH, *PROVIDES), BUYS),
        (OrganizationKind.BUYER, BUYS, PROVIDES),
    ],
)
def test_the_menu_has_the_sides_it_has(
    house: House, kind: OrganizationKind, shown: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    provides(house.organization_id)
    become(house, kind)
    page = house.browser.get(f"{HERE}/members").text
    for path in shown:
        assert f'href="{HERE}/{path}"' in page, path
        assert house.browser.get(f"{HERE}/{path}").status_code == 200, path
    for path in hidden:
        assert f'href="{HERE}/{path}"' not in page, path
        assert house.browser.get(f"{HERE}/{path}").status_code == 404, path
    managers = house.member(Role.MANAGER).get(f"{HERE}/members").text
    assert f'href="{HERE}/earnings"' not in managers
    assert (f'href="{HERE}/consultants"' in managers) is ("consultants" in shown)


def funds(house: House) -> int:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT balance_minor FROM ledger_balances WHERE organization_id = :id AND account = 'funds'")
        return int(session.execute(query, {"id": house.organization_id}).scalar() or 0)


def earned(house: House) -> dict[str, list[tuple[str, int]]]:
    """Kind of payee → (state, minor units) of what it earned."""
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(
            text(
                """SELECT p.kind, s.state, e.amount_minor FROM earning_states s JOIN earnings e ON e.id = s.earning_id
                JOIN payees p ON p.id = e.payee_id WHERE e.organization_id = :id ORDER BY e.id"""
            ),
            {"id": house.organization_id},
        )
        found: dict[str, list[tuple[str, int]]] = {}
        for kind, state, minor in rows:
            found.setdefault(kind, []).append((state, minor))
        return found


def standing(house: House) -> tuple[int, int, int]:
    """(not invoiced yet, open on invoices, what its funds are short of), as the API says it."""
    body = house.browser.get(f"/api/organizations/{house.organization_id}/billing").get_json()
    return tuple(body[name]["amountMinor"] for name in ("unbilled", "outstanding", "exposure"))  # type: ignore[return-value]


def test_a_member_with_an_own_consultant_is_on_both_sides_in_full(house: House, own: UUID) -> None:
    held_session(house)  # a stranger's, paid by card: £95 of it are promised to the consultant and the organization
    held_session(house, buyer=True)
    page = house.browser.get(f"{HERE}/earnings").text
    assert page.count("own consultant") == 1 and "£5.00 waits for the invoice to be paid" in page
    usage = house.browser.get(f"{HERE}/billing").text
    assert "1 with an own consultant" in usage and "£100.00" in usage
    assert standing(house) == (100_00, 0, 100_00)
    assert earned(house) == {
        "consultant": [("ready", 85_00), ("held", 85_00)], "organization": [("ready", 5_00), ("held", 5_00)],
    }  # fmt: skip

    # The bill is the whole price, and what clients paid for consultants does not pay it.
    headers = {"X-CSRFToken": house.browser.csrf_token()}
    path = f"/api/organizations/{house.organization_id}/billing/generate-invoice"
    made = house.browser.open(path, method="POST", json={}, headers=headers)
    assert made.status_code == 201 and made.get_json()["totalMinor"] == 100_00
    jobs.issued(made.get_json()["id"])
    assert standing(house) == (0, 100_00, 100_00) and funds(house) == 80_00
    assert earned(house)["organization"] == [("ready", 5_00), ("held", 5_00)]

    # Paid by transfer, both parts are ready; the doctor finds every penny.
    with unit_of_work(PLATFORM) as session:
        settling.transferred(
            session, SYSTEM, UUID(made.get_json()["id"]), amount=Money(100_00, "GBP"), reference="BACS 7",
            received_on=date.today(),
        )  # fmt: skip
    jobs.paid(made.get_json()["id"])
    assert standing(house) == (0, 0, 0) and funds(house) == 180_00
    assert earned(house) == {"consultant": [("ready", 85_00)] * 2, "organization": [("ready", 5_00)] * 2}
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def test_what_clients_paid_for_consultants_is_no_credit_to_book_on(house: House, own: UUID) -> None:
    for _paid_by_card in range(3):
        held_session(house)
    assert funds(house) == 270_00
    with unit_of_work(PLATFORM) as session:
        cover.check(session, house.organization_id, Money(200_00, "GBP"))
        with pytest.raises(Conflict, match=r"£200\.00 is left"):
            cover.check(session, house.organization_id, Money(200_01, "GBP"))
        session.execute(text("UPDATE funds_policies SET near_limit_at = NULL"))
        assert limits.watch(session) == 0
    held_session(house, buyer=True)
    held_session(house, buyer=True)
    with unit_of_work(PLATFORM) as session:  # all of the limit is used, whatever clients paid by card
        assert limits.watch(session) == 1
    become(house, OrganizationKind.BUYER)  # who only buys has one purse
    with unit_of_work(PLATFORM) as session:
        cover.check(session, house.organization_id, Money(450_00, "GBP"))


def test_what_goes_back_goes_back_on_both_sides(house: House, own: UUID) -> None:
    held_session(house, buyer=True)
    with unit_of_work(PLATFORM) as session:
        one = session.execute(text("SELECT id FROM consultations")).scalar_one()
        part = Money(40_00, "GBP")
        back = money.give_back(session, SYSTEM, one, amount=part, kind=ReturnKind.REFUND, reason="Cut short")
        money.returned(session, SYSTEM, back.id)
    assert standing(house) == (60_00, 0, 60_00)
    assert sum(minor for _state, minor in earned(house)["organization"]) == 3_00
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
