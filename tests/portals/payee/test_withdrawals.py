"""Withdraw: whole and partial, once for a form sent twice, never more than there is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.factories import payables
from tests.portals.payee.conftest import Vendor, World

URL = "/vendor/withdrawals/new?organization=oxford&currency=GBP"


def key_of(page: str) -> str:
    found = re.search(r'name="idempotency_key"[^>]*value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def payouts(superuser: Any) -> list[tuple[int, str]]:
    return list(superuser.execute("SELECT amount_minor, status FROM payouts ORDER BY id").fetchall())


@pytest.fixture
def rich(world: World, vendor: Vendor) -> Vendor:
    """£1,000.00 and £234.50 are ready."""
    payables.approved(world.organization_id, vendor.actor, 1_000_00)
    payables.approved(world.organization_id, vendor.actor, 234_50)
    return vendor


def test_all_of_it(rich: Vendor, superuser: Any) -> None:
    page = rich.browser.get(URL).text
    assert 'value="1,234.50"' in page and "Simulated transfer ••7890" in page
    answer = rich.browser.post(URL, {"amount": "1,234.50", "idempotency_key": key_of(page)})
    assert answer.status_code == 303
    assert payouts(superuser) == [(1_234_50, "pending")]
    shown = rich.browser.get(answer.location).text
    assert "You asked for it" in shown and "Waiting for approval" in shown and "Withdrawal requested" in shown
    assert "Nothing to withdraw now." in rich.browser.get("/vendor/payments").text


def test_a_part_and_the_rest_add_up(rich: Vendor, superuser: Any) -> None:
    rich.browser.post(URL, {"amount": "1100"})
    rest = rich.browser.get(URL).text
    assert 'value="134.50"' in rest
    rich.browser.post(URL, {"amount": "134.50"})
    assert payouts(superuser) == [(1_100_00, "pending"), (134_50, "pending")]
    items = superuser.execute("SELECT sum(amount_minor), count(*) FROM payout_items").fetchone()
    assert items == (1_234_50, 3)  # the bill that was split is in both
    assert superuser.execute("SELECT count(*) FROM ready_earnings").fetchone() == (0,)


@pytest.mark.parametrize("amount", ["1,234.51", "0", "-5", "many", "", "1.2345"])
def test_impossible_amounts_keep_what_was_typed(rich: Vendor, superuser: Any, amount: str) -> None:
    answer = rich.browser.post(URL, {"amount": amount})
    assert answer.status_code == 422
    assert f'value="{amount}"' in answer.text and 'aria-invalid="true"' in answer.text
    assert payouts(superuser) == []


def test_more_than_there_is_says_how_much_there_is(rich: Vendor) -> None:
    answer = rich.browser.post(URL, {"amount": "5,000"})
    assert "Enter an amount up to £1,234.50." in answer.text


def test_sent_twice_counts_once(rich: Vendor, superuser: Any) -> None:
    key = key_of(rich.browser.get(URL).text)
    first = rich.browser.post(URL, {"amount": "100", "idempotency_key": key})
    again = rich.browser.post(URL, {"amount": "100", "idempotency_key": key})
    assert first.location == again.location
    assert payouts(superuser) == [(100_00, "pending")]


def test_over_the_payments_page_its_parts_are_replaced(rich: Vendor) -> None:
    headers = {"HX-Current-URL": "http://localhost/vendor/payments"}
    answer = rich.browser.htmx("POST", URL, {"amount": "100"}, headers=headers)
    assert answer.status_code == 200
    for target in ("#balances", "#statement", "#moving"):
        assert f'hx-target="{target}"' in answer.text
    assert "£1,134" in answer.text and "Withdrawal requested" in answer.text
    elsewhere = rich.browser.htmx("POST", URL, {"amount": "100"})
    assert elsewhere.headers["HX-Redirect"].startswith("/vendor/payouts/")


def test_without_a_method_nothing_is_asked(world: World, superuser: Any) -> None:
    poor = world.vendor("Poor Ltd", method=False)
    payables.approved(world.organization_id, poor.actor, 100_00)
    page = poor.browser.get(URL)
    assert page.status_code == 200 and "No payout method for this currency yet." in page.text
    assert 'name="amount"' not in page.text
    answer = poor.browser.post(URL, {"amount": "100"})
    assert answer.status_code == 422 and "No payout method for this currency yet." in answer.text
    assert payouts(superuser) == []
    assert "cannot be paid yet" in poor.browser.get("/vendor/payments").text


def test_only_ones_own_balance(rich: Vendor, stranger: Vendor, superuser: Any) -> None:
    assert stranger.browser.post(URL, {"amount": "100"}).status_code == 422
    assert payouts(superuser) == []
    for bad in (
        "organization=elsewhere&currency=GBP",
        "organization=oxford&currency=XXX",
        "organization=oxford&currency=JPY",
    ):
        assert rich.browser.get(f"/vendor/withdrawals/new?{bad}").status_code == 404
