"""Payout methods: one form for every rail, cooling off, step-up, and nothing of the destination on any page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.clock import utc_now
from app.methods.rules import COOL_OFF
from tests.factories import methods
from tests.fakes.paypal import reached_at
from tests.portals.payee.conftest import Vendor, World

LIST = "/vendor/settings/payout-methods"
NEW = f"{LIST}/new?rail="


def sent(**details: str) -> dict[str, str]:
    return {"currency": "", "default": "y", **{f"detail_{name}": value for name, value in details.items()}}


@pytest.fixture
def newcomer(world: World) -> Vendor:
    return world.vendor("New Ltd", method=False)


def test_the_first_can_be_used_at_once(newcomer: Vendor, superuser: Any) -> None:
    page = newcomer.browser.get(f"{LIST}/new").text
    assert "Bank transfer" in page and "Check by post" in page and "Simulated transfer" in page
    answer = newcomer.browser.post(f"{NEW}simulated", sent(account_holder="New Ltd", account_number="GB1234554417"))
    assert (answer.status_code, answer.location) == (303, LIST)
    page = newcomer.browser.get(LIST).text
    assert "••4417" in page and "Cooling off" not in page and "Default" in page
    assert "GB1234554417" not in page
    sealed = superuser.execute("SELECT details_sealed FROM methods").fetchone()[0]
    assert sealed.startswith("v1.") and "4417" not in sealed


def test_another_one_cools_off(vendor: Vendor) -> None:
    page = vendor.browser.get(f"{NEW}bank_file").text
    assert "It can be used after 72 hours" in page
    answer = vendor.browser.post(f"{NEW}bank_file", sent(**methods.BANK), follow_redirects=True)
    assert "Cooling off" in answer.text and "usable from" in answer.text
    blocked = vendor.browser.get("/vendor/payments").text
    assert "Cooling off" in blocked
    with clock.at(utc_now() + COOL_OFF + timedelta(minutes=1)):
        vendor.browser.sign_in(*_who(vendor))
        assert "Cooling off" not in vendor.browser.get(LIST).text


def _who(vendor: Vendor) -> tuple[Any, str]:
    from app.identity.states import Portal

    return Portal.VENDOR, f"{vendor.actor.label}@vendor.test"


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({**methods.BANK, "account_number": "12"}, 'id="detail_account_number-e"'),
        ({**methods.BANK, "account_holder": ""}, "Fill this in."),
        ({**methods.BANK, "sort_code": "20-00"}, 'id="detail_sort_code-e"'),
    ],
)
def test_a_wrong_account_is_refused_beside_its_field(
    newcomer: Vendor, superuser: Any, details: dict[str, str], said: str
) -> None:
    answer = newcomer.browser.post(f"{NEW}bank_file", sent(**details))
    assert answer.status_code == 422
    assert said in answer.text
    assert superuser.execute("SELECT count(*) FROM methods").fetchone() == (0,)


def test_the_same_twice_is_refused(vendor: Vendor) -> None:
    same = sent(account_holder="X", account_number=methods.SIMULATED["account_number"])
    answer = vendor.browser.post(f"{NEW}simulated", same)
    assert answer.status_code == 422 and "You are paid there already." in answer.text


def test_default_and_removal(vendor: Vendor, superuser: Any) -> None:
    second = methods.simulated(vendor.payee_id, "9999999999")  # the operator's choice becomes the default
    (first,) = superuser.execute("SELECT id FROM methods WHERE id <> %s", [second]).fetchone()
    made = vendor.browser.htmx("POST", f"{LIST}/{first}/default")
    assert made.status_code == 200 and 'hx-target="#methods"' in made.text
    assert superuser.execute("SELECT is_default FROM methods WHERE id = %s", [first]).fetchone() == (True,)
    assert "Remove this payout method?" in vendor.browser.get(f"{LIST}/{second}/removal").text
    assert vendor.browser.post(f"{LIST}/{second}/removal").location == LIST
    assert superuser.execute("SELECT status FROM methods WHERE id = %s", [second]).fetchone() == ("disabled",)
    assert vendor.browser.get(f"{LIST}/{second}/removal").status_code == 404


def test_nobody_elses(vendor: Vendor, stranger: Vendor, superuser: Any) -> None:
    query = "SELECT id FROM methods WHERE payee_id = %s"
    (theirs,) = superuser.execute(query, [stranger.payee_id]).fetchone()
    assert vendor.browser.get(f"{LIST}/{theirs}/removal").status_code == 404
    assert vendor.browser.post(f"{LIST}/{theirs}/removal").status_code == 404
    assert vendor.browser.post(f"{LIST}/{theirs}/default").status_code == 404
    assert superuser.execute("SELECT status FROM methods WHERE id = %s", [theirs]).fetchone() == ("active",)


def test_nobody_learns_who_shares_a_destination(vendor: Vendor, stranger: Vendor) -> None:
    """Both are paid at the same account; the organization is told, the payees are not."""
    page = vendor.browser.get(LIST).text
    assert "shared" not in page.lower() and "Other Works" not in page


def test_a_change_asks_who_you_are_again(vendor: Vendor, superuser: Any) -> None:
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '2 hours'")
    assert vendor.browser.get(LIST).status_code == 200
    for method, path in (("GET", f"{LIST}/new"), ("POST", f"{NEW}simulated")):
        answer = vendor.browser.open(path, method=method, data={"csrf_token": vendor.browser.csrf_token()})
        assert answer.status_code == 303 and answer.location.startswith("/vendor/step-up")
    assert superuser.execute("SELECT count(*) FROM methods").fetchone() == (1,)


def test_where_and_in_what_it_pays_is_shown_before_choosing(
    newcomer: Vendor, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached_at(monkeypatch, "http://127.0.0.1:9")
    page = newcomer.browser.get(f"{LIST}/new").text
    assert "For payees in United States, paid in USD" in page and "Not in" not in page
    assert "paid in 24 currencies" in page and "For payees in any country, paid in any currency" in page
    superuser.execute("UPDATE payees SET country = 'KE'")
    page = newcomer.browser.get(f"{LIST}/new").text
    assert page.count("Not in Kenya") == 1  # Venmo; PayPal accounts in Kenya receive payouts
    page = newcomer.browser.get(f"{NEW}venmo").text
    assert "It does not reach payees in Kenya" in page
    page = newcomer.browser.get(f"{NEW}paypal").text
    assert "Kenya" in page and "It does not reach" not in page


@pytest.mark.parametrize(
    ("rail", "details", "wrong", "shown"),
    [
        ("paypal", {"email": "New.Ltd@example.test"}, {"email": "new.ltd"}, "••.ltd"),
        ("venmo", {"venmo": "(415) 555-0123"}, {"venmo": "0123"}, "••0123"),
    ],
)
def test_paypal_and_venmo_check_what_is_typed(
    newcomer: Vendor, monkeypatch: pytest.MonkeyPatch, rail: str, details: dict[str, str], wrong: dict[str, str],
    shown: str,
) -> None:  # fmt: skip
    reached_at(monkeypatch, "http://127.0.0.1:9")
    answer = newcomer.browser.post(f"{NEW}{rail}", sent(**wrong))
    assert answer.status_code == 422 and next(iter(wrong.values())) in answer.text
    assert newcomer.browser.post(f"{NEW}{rail}", sent(**details)).status_code == 303
    page = newcomer.browser.get(LIST).text
    assert shown in page and next(iter(details.values())) not in page


def test_an_american_account_says_its_type_from_a_list(newcomer: Vendor) -> None:
    account = {"account_holder": "New Ltd", "country": "us", "routing_number": "0210 0002 1", "account_number": "12345"}
    form = newcomer.browser.get(f"{NEW}bank_file").text
    assert '<option value="savings">Savings</option>' in form
    wrong = newcomer.browser.post(f"{NEW}bank_file", sent(**account, account_type="gold"))
    assert wrong.status_code == 422 and "12345" in wrong.text
    assert newcomer.browser.post(f"{NEW}bank_file", sent(**account, account_type="savings")).status_code == 303
