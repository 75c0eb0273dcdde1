"""The organization's pages of orders and codes: what they show, what a person decides, and who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.gateways.shops import ChangeKind
from app.identity.states import Portal
from app.organizations.states import Role
from app.payees import service as payees
from app.payees.models import Payee
from app.payees.states import EngagementStatus
from app.sales import listing, queries
from tests.factories import organizations, people
from tests.factories.sales import changed, code, creator, order, recorded, refund
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
HERE = "/org/brand"


@pytest.fixture
def brand(app: Any) -> UUID:
    return organizations.organization("brand", currency="USD")


@pytest.fixture
def amara(brand: UUID) -> Payee:
    return creator(brand)


@pytest.fixture
def mia(brand: UUID, sign_in: SignIn) -> Browser:
    people.member(brand, Role.MANAGER, "mia@brand.test")
    return sign_in(Portal.ORG, "mia@brand.test")


def ids(brand: UUID) -> dict[str, UUID]:
    with unit_of_work(Scope.organization(brand)) as session:
        return {row.number: row.id for row in listing.orders(session, brand).items}


def earned(brand: UUID) -> dict[str, int]:
    with unit_of_work(Scope.organization(brand)) as session:
        rows = listing.orders(session, brand).items
        return {row.number: amount.minor for row in rows if (amount := queries.commission_of(row))}


def test_the_list_its_filters_and_its_file(brand: UUID, amara: Payee, mia: Browser) -> None:
    assert "No shop sends orders yet" in mia.get(f"{HERE}/orders").text
    code(brand, amara.id)
    recorded(brand, order("1"), order("2", 50_00, "OTHER"), order("3", buyer="amara@creator.test"))
    changed(brand, refund("r", 40_00, order_id="1"))
    page = mia.get(f"{HERE}/orders").text
    assert "#1" in page and "$9.00" in page and "Partly refunded" in page and "Unknown code" in page
    assert "Own purchase" in page
    for query, shown in (
        ("view=claimable", {"#2"}), ("view=own", {"#3"}), ("view=earned", {"#1"}), ("code=amara15", {"#1", "#3"}),
        ("status=partly_refunded", {"#1"}), ("q=%232", {"#2"}),
        ("q=Other", {"#2"}), ("source=import", set()), ("to=2020-01-01", set()),
        (f"payee={amara.id}", {"#1", "#3"}), ("status=nonsense&view=nonsense&payee=x&from=y", {"#1", "#2", "#3"}),
    ):  # fmt: skip
        text = mia.get(f"{HERE}/orders?{query}").text
        assert {number for number in ("#1", "#2", "#3") if f"<b>{number}" in text or f">{number}<" in text} == shown, (
            query
        )
    file = mia.get(f"{HERE}/orders.csv?view=earned")
    assert file.mimetype == "text/csv" and file.text.count("\n") == 2
    assert "AMARA15,Amara Osei,USD,100.00,40.00,9.00,15,partly_refunded,earned" in file.text


def test_one_order_with_its_reversals(brand: UUID, amara: Payee, mia: Browser) -> None:
    code(brand, amara.id)
    recorded(brand, order("1"))
    changed(brand, refund("r", 40_00, order_id="1"), refund("c", order_id="1", kind=ChangeKind.CHARGEBACK))
    page = mia.get(f"{HERE}/orders/{ids(brand)['#1']}").text
    assert "Commission at 15%" in page and "Charged back" in page and "The order came in" in page
    assert "−$6.00" in page and "−$9.00" in page and "Amara Osei" in page
    assert "buyer@example.test" not in page


def test_an_unknown_code_is_claimed_with_all_its_orders(brand: UUID, amara: Payee, mia: Browser) -> None:
    recorded(brand, order("1", 100_00, "NEW"), order("2", 50_00, "new"), order("3", 50_00, "OTHER"))
    found = ids(brand)
    url = f"{HERE}/orders/{found['#1']}/claim"
    assert "Credit 2 orders" in mia.get(url).text
    empty = mia.post(url, {"payee": ""})
    assert empty.status_code == 422 and "Choose a creator." in empty.text
    assert mia.post(url, {"payee": str(amara.id)}).status_code == 303
    assert earned(brand) == {"#1": 15_00, "#2": 7_50}
    assert "Claimed with the code NEW" in mia.get(f"{HERE}/orders/{found['#2']}").text
    assert mia.get(url).status_code == 409
    assert "NEW" in mia.get(f"{HERE}/codes").text


def test_a_claim_that_cannot_be_leaves_no_code(brand: UUID, mia: Browser) -> None:
    free = creator(brand, "Zero", email="zero@creator.test", bps=0)
    recorded(brand, order("1", 100_00, "NEW"))
    answer = mia.post(f"{HERE}/orders/{ids(brand)['#1']}/claim", {"payee": str(free.id)})
    assert answer.status_code == 422 and "commission is 0" in answer.text
    assert "No discount code yet" in mia.get(f"{HERE}/codes").text


def test_after_a_pause_waiting_orders_are_credited_from_the_code(brand: UUID, amara: Payee, mia: Browser) -> None:
    made = code(brand, amara.id)
    for status in (EngagementStatus.PAUSED, EngagementStatus.ACTIVE):
        with unit_of_work(Scope.organization(brand)) as session:
            payees.set_status(session, operator(), brand, amara.id, status, reason="Break")
        if status is EngagementStatus.PAUSED:
            recorded(brand, order("1"))
            assert "The creator is not active" in mia.get(f"{HERE}/codes/{made.id}").text
            assert mia.post(f"{HERE}/orders/{ids(brand)['#1']}/claim", {}).status_code == 422
    assert "Credit the waiting order" in mia.get(f"{HERE}/codes/{made.id}").text
    assert mia.post(f"{HERE}/codes/{made.id}/claim", {"idempotency_key": "k1"}).status_code == 303
    assert earned(brand) == {"#1": 15_00}


@pytest.mark.parametrize(("choice", "amounts"), [("yes", {"#1": 15_00}), ("no", {})])
def test_an_own_purchase_is_decided(
    brand: UUID, amara: Payee, mia: Browser, choice: str, amounts: dict[str, int]
) -> None:
    code(brand, amara.id)
    recorded(brand, order("1", buyer="Amara+gift@creator.test"))
    url = f"{HERE}/orders/{ids(brand)['#1']}"
    assert "Nothing is credited until you decide." in mia.get(url).text
    for wrong in ({"earns": choice, "reason": ""}, {"earns": "", "reason": "A gift"}):
        answer = mia.post(f"{url}/decision", wrong)
        assert answer.status_code == 422
    assert "A gift" in answer.text
    assert mia.post(f"{url}/decision", {"earns": choice, "reason": "A gift for a fan"}).status_code == 303
    assert earned(brand) == amounts
    said = "The commission is given" if choice == "yes" else "No commission"
    assert f"{said}: A gift for a fan" in mia.get(url).text
    assert mia.post(f"{url}/decision", {"earns": "yes", "reason": "Again"}).status_code == 409


def test_codes_are_added_changed_and_paused(brand: UUID, amara: Payee, mia: Browser) -> None:
    new = f"{HERE}/codes/new"
    assert mia.get(new).status_code == 200
    wrong = mia.post(new, {"payee": str(amara.id), "code": "two words", "landing_url": "http://x.example"})
    assert wrong.status_code == 422 and 'value="two words"' in wrong.text and "A code has at most" in wrong.text
    bad_url = mia.post(new, {"payee": str(amara.id), "code": "OK", "landing_url": "http://x.example"})
    assert bad_url.status_code == 422 and "begins with https://" in bad_url.text
    made = mia.post(new, {"payee": str(amara.id), "code": "Amara15", "landing_url": "https://x.example/a"})
    assert made.status_code == 303
    taken = mia.post(new, {"payee": str(amara.id), "code": "AMARA15", "landing_url": ""})
    assert taken.status_code == 422 and "In use already." in taken.text
    page = mia.get(made.location).text
    assert "/go/" in page and "https://x.example/a" in page
    assert mia.post(made.location, {"landing_url": "ftp://x"}).status_code == 422
    assert mia.post(made.location, {"landing_url": ""}).status_code == 303
    recorded(brand, order("1"))
    assert earned(brand) == {}
    assert "Paused" in mia.get(f"{HERE}/codes").text


def test_the_commission_of_a_creator(brand: UUID, amara: Payee, mia: Browser) -> None:
    url = f"{HERE}/payees/{amara.id}/commission"
    page = mia.get(url).text
    assert 'value="15"' in page and 'value="14"' in page
    for wrong in (
        {"percent": "101", "hold_days": "3"},
        {"percent": "1.234", "hold_days": "3"},
        {"percent": "Infinity", "hold_days": "3"},
        {"percent": "5", "hold_days": "400"},
    ):
        assert mia.post(url, wrong).status_code == 422
    assert mia.post(url, {"percent": "12,5", "hold_days": "0"}).status_code == 303
    history = mia.get(url).text
    assert "15% to 12.5%" in history and "mia@brand.test" in history
    code(brand, amara.id)
    recorded(brand, order("1"))
    assert earned(brand) == {"#1": 12_50}
    with unit_of_work(Scope.organization(brand)) as session:
        assert listing.order(session, brand, ids(brand)["#1"]).state == "ready"


def test_who_may_not(brand: UUID, amara: Payee, mia: Browser, sign_in: SignIn) -> None:
    made = code(brand, amara.id)
    recorded(brand, order("1", buyer="amara@creator.test"))
    order_id = ids(brand)["#1"]
    people.member(brand, Role.SUPPORT, "sam@brand.test")
    sam = sign_in(Portal.ORG, "sam@brand.test")
    assert sam.get(f"{HERE}/orders/{order_id}").status_code == 200
    assert "Decide" not in sam.get(f"{HERE}/orders/{order_id}").text
    assert sam.get(f"{HERE}/codes/{made.id}").status_code == 200
    for path in (f"orders/{order_id}/decision", f"orders/{order_id}/claim", "codes/new", f"codes/{made.id}/claim"):
        assert sam.post(f"{HERE}/{path}", {"earns": "yes", "reason": "x", "idempotency_key": "k"}).status_code == 403
    assert sam.post(f"{HERE}/codes/{made.id}", {"landing_url": "https://evil.example"}).status_code == 403
    assert sam.post(f"{HERE}/payees/{amara.id}/commission", {"percent": "1", "hold_days": "1"}).status_code == 403
    people.member(organizations.organization("other"), Role.OWNER, "otto@other.test")
    otto = sign_in(Portal.ORG, "otto@other.test")
    assert otto.get(f"{HERE}/orders").status_code == 404
    for path in (f"orders/{order_id}", f"codes/{made.id}", f"payees/{amara.id}/commission"):
        assert otto.get(f"/org/other/{path}").status_code == 404
    people.member(brand, Role.LEARNER, "lea@brand.test")
    assert sign_in(Portal.ORG, "lea@brand.test").get(f"{HERE}/orders").status_code == 403
