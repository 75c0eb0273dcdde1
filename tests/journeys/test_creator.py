"""A creator from the invitation over an order, its partial refund and a signed contract to the bank, in a real browser.

The shop speaks through its signed webhooks; workers write the commission, take a part back, seal the contract and send
the payout.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import text

import app.metadata  # noqa: F401 - all tables: a contract points to files
from app.contracts import templates
from app.core.clock import utc_now
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.earnings import service as earnings
from app.gateways.shops import Shop
from app.organizations.states import Role
from app.payouts import service as payouts
from app.payouts.queries import PayoutFilter
from app.payouts.queries import payouts as all_payouts
from app.reporting import doctor
from app.sales import codes
from tests.factories import charges, contracts, organizations, people, sales
from tests.factories.payouts import PLATFORM
from tests.running import Demo, eventually

pytestmark = pytest.mark.browser
Enter = Callable[[str], Any]
SECRET, EMAIL, SLUG = "a shop's own secret", "imani@creators.test", "alderhouse"


@pytest.fixture
def enter(demo: Demo, browser: Any, tmp_path: Path) -> Iterator[Enter]:
    """Sign in by a link, each in a browser of their own. Its last view is kept as a picture."""
    contexts = []

    def start(link: str) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(link)
        page.get_by_role("button", name=re.compile("sign in|continue|accept", re.I)).first.click()
        page.wait_for_url(re.compile(r"^(?!.*/(signin|invitation))"))
        return page

    yield start
    for number, context in enumerate(contexts):
        context.pages[0].screenshot(path=tmp_path / f"end-{number}.png")
        context.close()


@pytest.fixture
def brand(demo: Demo) -> contracts.Desk:
    """A brand with money, a shop and a creator who has a code and 15 percent, but no account yet."""
    made = organizations.organization(SLUG, currency="USD", time_zone="America/New_York")
    charges.funds(made, 500_00, "USD")
    owner = people.member(made, Role.OWNER, "owner@alderhouse.test")
    creator = sales.creator(made, "Imani Brooks", email=EMAIL)
    sales.code(made, creator.id, "IMANI15", "https://alder.example.com/winter")
    with unit_of_work(Scope.organization(made)) as session:
        codes.add_store(session, operator(), made, Shop.SHOPIFY, "Alder House", SECRET)
        template_id = templates.add(session, owner, made, contracts.FORM).id
    return contracts.Desk(made, creator.id, owner, Actor("Imani", "payee", payee_id=creator.id), template_id)


def told(base: str, topic: str, payload: dict[str, Any]) -> None:
    """The shop calls, signed with what it shares with the brand."""
    body = json.dumps(payload).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    headers = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature, "Content-Type": "application/json"}
    url = f"{base}/api/webhooks/orders/shopify/{SLUG}"
    answer = httpx.post(url, content=body, headers=headers, trust_env=False)
    assert answer.status_code == 200 and answer.json() == {"new": 1}, answer.text
    forged = httpx.post(url, content=body, headers=headers | {"X-Shopify-Hmac-Sha256": "no"}, trust_env=False)
    assert forged.status_code == 401


def order() -> dict[str, Any]:
    moment = (utc_now() - timedelta(days=1)).isoformat()
    return {
        "id": 450789469, "name": "#1001", "email": "bob@example.test", "currency": "USD", "processed_at": moment,
        "created_at": moment, "financial_status": "paid", "subtotal_price": "200.00", "total_tax": "0.00",
        "total_price": "200.00", "taxes_included": False, "discount_codes": [{"code": "imani15"}], "refunds": [],
        "line_items": [{"price": "200.00", "quantity": 1, "tax_lines": []}],
    }  # fmt: skip


def refund() -> dict[str, Any]:
    return {
        "id": 509562969, "order_id": 450789469, "processed_at": utc_now().isoformat(), "note": "too small",
        "refund_line_items": [{"quantity": 1, "subtotal": "50.00", "total_tax": "0.00"}],
        "transactions": [{"kind": "refund", "status": "success", "amount": "50.00", "currency": "USD"}],
    }  # fmt: skip


def invited(owner: Any, base: str) -> str:
    """The link the creator finds in the mail."""
    owner.goto(f"{base}/org/{SLUG}/creators")
    owner.get_by_role("link", name="Imani Brooks").first.click()
    owner.get_by_role("link", name=re.compile("Invite")).first.click()
    dialog = owner.locator("dialog[open]")
    expect(dialog.get_by_label("Addresses")).to_have_value(EMAIL)
    dialog.get_by_role("button", name=re.compile("Invite|Send")).click()
    owner.locator("dialog[open]").wait_for(state="detached")
    page = owner.context.new_page()
    page.goto(f"{base}/dev/mailbox?to={EMAIL}")
    page.locator("#messages tbody a").first.click()
    link = page.locator("a[href*='/creator/']").first.get_attribute("href")
    page.close()
    return str(link)


def shows(page: Any, url: str, *words: str) -> None:
    """Workers may need a moment; the page is asked again until it says it."""

    def there() -> bool:
        page.goto(url)
        said = re.sub(r"\s+", " ", page.locator("main").inner_text())
        return all(word in said for word in words)

    eventually(there)


def signed(page: Any, owner: Any, base: str, contract_id: UUID) -> None:
    """By the creator from the dashboard, then by the brand; a worker seals it."""
    page.goto(f"{base}/creator/")
    page.get_by_role("link", name="Review and sign").click()
    page.get_by_role("button", name="I agree, go on to sign").click()
    page.get_by_label("Your full name").fill("Imani Brooks")
    page.get_by_label("I have read the contract to its end").check()
    page.get_by_role("button", name="Sign the contract").click()
    expect(page.get_by_text("To countersign").first).to_be_visible()
    owner.goto(f"{base}/org/{SLUG}/contracts/{contract_id}")
    owner.get_by_role("link", name=re.compile("^Sign for")).click()
    owner.get_by_label("Your full name").fill("Ada Min")
    owner.get_by_role("button", name="Sign the contract").click()
    owner.get_by_text(re.compile("Being sealed|Signed")).first.wait_for()
    shows(page, f"{base}/creator/brands/{SLUG}", "Agreement with Imani Brooks Signed")


def return_window_passes(organization_id: UUID) -> None:
    """Thirteen days later, for this brand alone: then what the schedule does every five minutes."""
    with unit_of_work(PLATFORM) as session:
        sql = "UPDATE held_earnings SET available_at = available_at - interval '14 days' WHERE organization_id = :id"
        session.execute(text(sql), {"id": organization_id})
    with unit_of_work(PLATFORM) as session:
        assert earnings.release_due(session) >= 2  # the commission and what was taken back of it


def pay(organization_id: UUID) -> None:
    """The platform's part, told in other journeys: approve and send."""
    admin = people.admin("payer@alderhouse.test")
    with unit_of_work(PLATFORM) as session:
        ids = [row.id for row in all_payouts(session, PayoutFilter(organization_id=organization_id), None, 5).items]
        assert len(ids) == 1
        payouts.approve(session, admin, ids)
        payouts.send(session, admin, ids)


def test_a_creator_is_paid_what_is_left_of_an_order(demo: Demo, enter: Enter, brand: contracts.Desk) -> None:
    base = demo.services.base_url
    home, own = f"{base}/creator/", f"{base}/creator/brands/{SLUG}"

    # Invited by the brand, in by the link of the mail: the dashboard, with rate and code.
    owner = enter(demo.link("org", "owner@alderhouse.test"))
    page = enter(invited(owner, base))
    page.goto(home)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Imani")
    expect(page.locator("#brands")).to_contain_text("IMANI15")
    expect(page.locator("#brands")).to_contain_text("15%")

    # An order with the code earns by itself, and a refund takes its share back.
    told(base, "orders/paid", order())
    shows(page, home, "Clearing $30.00", "Orders from your codes 1")
    told(base, "refunds/create", refund())
    shows(page, home, "Clearing $22.50", "Available to withdraw $0.00")
    shows(page, own, "Partly refunded", "$150.00 USD", "$22.50 USD", "Held to")

    # A contract is sent, signed by both and sealed.
    signed(page, owner, base, brand.sent())

    # The return window passes: a method, then the withdrawal.
    return_window_passes(brand.organization_id)
    shows(page, home, "Available to withdraw $22.50", "Clearing $0.00")
    page.goto(f"{base}/creator/settings/payout-methods/new?rail=simulated")
    page.get_by_label("Account holder").fill("Imani Brooks")
    page.get_by_label("Account number").fill("US-IBR-77121094")
    page.get_by_role("button", name="Add payout method").click()
    page.wait_for_url(re.compile("/payout-methods$"))
    page.goto(home)
    page.get_by_role("link", name="Withdraw", exact=True).click()
    page.get_by_role("link", name="Withdraw", exact=True).click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_label("Amount")).to_have_value("22.50")
    dialog.get_by_role("button", name="Withdraw").click()
    page.locator("dialog[open]").wait_for(state="detached")
    shows(page, home, "On its way $22.50", "Available to withdraw $0.00")
    pay(brand.organization_id)
    shows(page, f"{base}/creator/payments", "$22.50 1 payout", "−$22.50", "In transit $0.00")
    shows(page, own, "$22.50 USD", "Paid")
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
