"""A payee's Stripe account: made on one click, set up there, followed, let go. The simulator stands for Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.methods import queries
from app.rails.stripe_connect import StripeConnect
from jobs import connect as jobs
from jobs import payouts
from tests.fakes import stripe_setup
from tests.fakes.simulator import SimulatorPeer
from tests.fakes.stripe_setup import HOOK, event, path_of, visit
from tests.portals.payee.conftest import Vendor, World

BASE = "/vendor/settings/payout-methods"
HERE = f"{BASE}/stripe"


@pytest.fixture
def stripe(app: Any, tmp_path: Path) -> Iterator[SimulatorPeer]:
    with stripe_setup.simulated(tmp_path) as peer:
        yield peer


@pytest.fixture
def newcomer(world: World) -> Vendor:
    return world.vendor("New Ltd", method=False, country="GB")


def set_up(who: Vendor, choice: str) -> str:
    answer = who.browser.post(f"{HERE}/set-up")
    assert answer.status_code == 303, answer.text
    back = visit(answer.location, choice)
    assert back == f"{HERE}/return"
    return who.browser.get(back, follow_redirects=True).text


def accounts(superuser: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = superuser.execute(
        "SELECT account, transfers, gone_at IS NULL FROM connected_accounts ORDER BY created_at"
    ).fetchall()
    return found


def in_use(superuser: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = superuser.execute(
        "SELECT status, is_default, unusable_because FROM methods WHERE rail = 'stripe_connect' ORDER BY created_at"
    ).fetchall()
    return found


def usable(who: Vendor) -> str | None:
    with unit_of_work(Scope.platform("tests")) as session:
        return queries.usable_method(session, who.payee_id, "GBP").rail


def hear(superuser: Any, who: Vendor, kind: str, about: dict[str, Any], account: str, event_id: str = "evt_1") -> str:
    """Told by Stripe, and applied by the job."""
    body, headers = event(kind, about, account, event_id)
    answer = who.browser.open(HOOK, method="POST", data=body, headers=headers)
    assert answer.status_code == 200, answer.text
    row = superuser.execute("SELECT id FROM webhook_events WHERE event_id = %s", (event_id,)).fetchone()
    payouts.apply_events([str(row[0])])
    status = superuser.execute("SELECT status FROM webhook_events WHERE id = %s", (row[0],)).fetchone()[0]
    return str(status)


def test_from_the_first_click_to_a_method(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    page = newcomer.browser.get(f"{BASE}/new").text
    assert "Choose Stripe" in page
    assert "Continue at Stripe" in newcomer.browser.get(HERE).text
    page = set_up(newcomer, "complete")
    assert "You can be paid into your Stripe balance" in page and "Continue at Stripe" not in page
    ((account, transfers, live),) = accounts(superuser)
    assert (transfers, live) == ("active", True) and account not in page and "United Kingdom" in page
    assert in_use(superuser) == [("active", True, None)]
    assert usable(newcomer) == "stripe_connect"
    assert "Stripe ••9999" in newcomer.browser.get(BASE).text
    mails = superuser.execute("SELECT count(*) FROM mails WHERE template = 'method_changed'").fetchone()
    assert mails == (1,)


def test_each_click_makes_a_link_and_there_is_one_account(
    stripe: SimulatorPeer, newcomer: Vendor, superuser: Any
) -> None:
    first = newcomer.browser.post(f"{HERE}/set-up").location
    second = newcomer.browser.post(f"{HERE}/set-up").location
    assert first != second and len(accounts(superuser)) == 1
    assert visit(first, "complete") == f"{HERE}/return"
    assert visit(first, "complete") == f"{HERE}/again"  # single use
    page = newcomer.browser.get(f"{HERE}/again", follow_redirects=True).text
    assert "was used already or is too old" in page


@pytest.mark.parametrize(
    ("choice", "said"),
    [("halfway", "The set-up at Stripe is not finished"), ("bank", "A bank account to pay out to")],
)
def test_an_account_that_is_not_finished_is_no_method(
    stripe: SimulatorPeer, newcomer: Vendor, superuser: Any, choice: str, said: str
) -> None:
    page = set_up(newcomer, choice)
    assert said in page and "Continue at Stripe" in page
    assert in_use(superuser) == []
    assert "You can be paid" in set_up(newcomer, "complete")
    assert in_use(superuser) == [("active", True, None)]


def test_a_lost_answer_makes_no_second_account(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    stripe.faults_of("stripe_connect", lose_replies=1)
    answer = newcomer.browser.post(f"{HERE}/set-up")
    assert answer.status_code == 409 and "Stripe did not answer" in answer.text
    assert accounts(superuser) == []
    first = newcomer.browser.post(f"{HERE}/set-up")
    assert first.status_code == 303
    made = newcomer.browser.post(f"{HERE}/set-up")
    assert made.status_code == 303 and len(accounts(superuser)) == 1


def test_another_method_cools_off(stripe: SimulatorPeer, world: World, superuser: Any) -> None:
    vendor = world.vendor("Old Ltd", country="GB")
    set_up(vendor, "complete")
    assert in_use(superuser) == [("active", False, None)]
    cooling = superuser.execute(
        "SELECT usable_from_at > now() + interval '70 hours' FROM methods WHERE rail = 'stripe_connect'"
    ).fetchone()
    assert cooling == (True,)


def test_stripe_stops_and_allows_again(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    set_up(newcomer, "complete")
    ((account, *_),) = accounts(superuser)
    for choice, because, rail in (("bank", True, None), ("complete", False, "stripe_connect")):
        visit(newcomer.browser.post(f"{HERE}/set-up").location, choice)
        for again in range(2):  # what the event says is old news: Stripe is asked
            told = hear(superuser, newcomer, "account.updated", {"id": account}, account, f"evt_{choice}_{again}")
            assert told == "applied"
        ((status, _default, reason),) = in_use(superuser)
        assert (status, bool(reason)) == ("active", because)
        assert usable(newcomer) == rail
    mails = superuser.execute("SELECT count(*) FROM mails WHERE template = 'method_changed'").fetchone()
    assert mails == (3,)  # added, stopped, allowed again
    assert "overdue" in str(superuser.execute("SELECT string_agg(context::text, ' ') FROM mails").fetchone())


def test_disconnected_at_stripe(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    set_up(newcomer, "complete")
    ((account, *_),) = accounts(superuser)
    assert hear(superuser, newcomer, "account.application.deauthorized", {"id": "ca_1"}, account) == "applied"
    assert in_use(superuser) == [("disabled", False, None)]
    assert accounts(superuser) == [(account, "active", False)]
    assert "Continue at Stripe" in newcomer.browser.get(HERE).text


def test_news_of_accounts_that_are_nobodys_are_ignored(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    assert hear(superuser, newcomer, "account.updated", {"id": "acct_x"}, "acct_other1") == "ignored"
    about = {"id": "po_1", "amount": 5, "currency": "gbp", "status": "paid", "created": 1, "arrival_date": 1}
    assert hear(superuser, newcomer, "payout.paid", about, "acct_other1", "evt_2") == "ignored"


def bank(account: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "po_1", "object": "payout", "amount": 12_345, "currency": "gbp", "status": status,
        "created": 1_763_000_000, "arrival_date": 1_763_100_000, **more,
    }  # fmt: skip


def test_what_reaches_the_bank_is_another_fact(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    set_up(newcomer, "complete")
    ((account, *_),) = accounts(superuser)
    steps = ("paid", "pending", "in_transit")  # out of order: nothing goes back
    for number, status in enumerate(steps):
        about = bank(account, status)
        kind = "payout.paid" if status == "paid" else "payout.updated"
        assert hear(superuser, newcomer, kind, about, account, f"evt_{number}") == "applied"
    rows = superuser.execute("SELECT reference, amount_minor, currency, status FROM connected_payouts").fetchall()
    assert rows == [("po_1", 12_345, "GBP", "paid")]
    page = newcomer.browser.get(HERE).text
    told = page[page.index('id="bank-payouts"') : page.index('id="steps"')]
    assert "In your bank" in told and "£123.45" in told
    hear(superuser, newcomer, "payout.failed", bank(account, "failed", failure_code="account_closed"), account, "evt_9")
    page = newcomer.browser.get(HERE).text
    assert "Came back from the bank" in page and "The bank account is closed." in page


def test_an_account_they_have_already(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    consent = newcomer.browser.post(f"{HERE}/consent").location
    back = visit(consent, "connect")
    assert back.startswith(f"{HERE}/connected?code=")
    answer = newcomer.browser.get(back, follow_redirects=True)
    assert "Your Stripe account is connected" in answer.text
    assert in_use(superuser) == [("active", True, None)]
    again = newcomer.browser.get(back)
    assert again.status_code == 409 and "was used already" in again.text
    page = newcomer.browser.get(f"{HERE}/end").text
    assert "Disconnect your Stripe account?" in page
    assert newcomer.browser.post(f"{HERE}/end").status_code == 303
    assert in_use(superuser) == [("disabled", False, None)]
    told = [one for one in accounts(superuser) if one[2]]
    assert told == []


def test_saying_no_and_states_that_do_not_fit(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    back = visit(newcomer.browser.post(f"{HERE}/consent").location, "cancel")
    assert "Nothing was connected" in newcomer.browser.get(back, follow_redirects=True).text
    newcomer.browser.post(f"{HERE}/consent")
    forged = newcomer.browser.get(f"{HERE}/connected?code=ac_of_somebody&state=forged")
    assert forged.status_code == 409
    assert newcomer.browser.get(f"{HERE}/connected?code=ac_of_somebody").status_code == 409
    assert accounts(superuser) == []


def test_the_dashboard_at_stripe(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    set_up(newcomer, "complete")
    answer = newcomer.browser.post(f"{HERE}/dashboard")
    assert answer.status_code == 303 and "/dashboard/acct_" in answer.location
    answer = newcomer.browser.post(f"{HERE}/standing", follow_redirects=True)
    assert "As Stripe tells it now" in answer.text


@pytest.mark.parametrize(("country", "instead"), [("KE", "Bank transfer"), ("IN", "RazorpayX")])
def test_who_cannot_be_paid_there_is_told_before_choosing(
    stripe: SimulatorPeer, world: World, superuser: Any, country: str, instead: str
) -> None:
    vendor = world.vendor("Far Ltd", method=False, country=country)
    page = vendor.browser.get(f"{BASE}/new").text
    assert "Not in " in page and instead in page and "Choose Stripe" not in page
    assert "You can be paid by" in page
    assert "Not in your country" in vendor.browser.get(HERE).text
    answer = vendor.browser.post(f"{HERE}/set-up")
    assert answer.status_code == 422 and "You can be paid by" in answer.text
    assert accounts(superuser) == []


def test_without_a_country_one_is_asked(stripe: SimulatorPeer, world: World, superuser: Any) -> None:
    vendor = world.vendor("Where Ltd", method=False)
    answer = vendor.browser.post(f"{HERE}/set-up", {"country": ""})
    assert answer.status_code == 422 and "Say in which country you are." in answer.text
    assert vendor.browser.post(f"{HERE}/set-up", {"country": "FR"}).status_code == 303
    assert superuser.execute("SELECT country FROM connected_accounts").fetchall() == [("FR",)]


def test_nobody_types_an_account(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    answer = newcomer.browser.post(f"{BASE}/new?rail=stripe_connect", {"detail_account": "acct_123456789"})
    assert answer.status_code in (200, 303, 422) and in_use(superuser) == []
    answer = newcomer.browser.open(
        "/api/vendor/settings/payout-methods", method="POST",
        json={"rail": "stripe_connect", "fields": {"account": "acct_123456789"}},
        headers={"X-CSRFToken": newcomer.browser.csrf_token()},
    )  # fmt: skip
    assert answer.status_code >= 400 and in_use(superuser) == []


def test_nobody_sees_the_account_of_another(stripe: SimulatorPeer, world: World, newcomer: Vendor) -> None:
    set_up(newcomer, "complete")
    other = world.vendor("Other Ltd", method=False, country="GB")
    assert "Set up an account" in other.browser.get(HERE).text
    creator = world.payee(Portal.CREATOR, method=False)
    assert creator.browser.get(HERE).status_code == 404


def test_where_it_is_off_nothing_is_offered(world: World, superuser: Any) -> None:
    vendor = world.vendor("Off Ltd", method=False, country="GB")
    assert "Choose Stripe" not in vendor.browser.get(f"{BASE}/new").text
    assert "Not offered now" in vendor.browser.get(HERE).text
    assert vendor.browser.post(f"{HERE}/set-up").status_code == 409
    assert vendor.browser.post(f"{HERE}/consent").status_code == 409


def test_accounts_nobody_heard_of_are_asked(stripe: SimulatorPeer, newcomer: Vendor, superuser: Any) -> None:
    set_up(newcomer, "halfway")
    superuser.execute("UPDATE connected_accounts SET read_at = read_at - interval '2 days'")
    visit(newcomer.browser.post(f"{HERE}/set-up").location, "complete")
    jobs.look()
    assert in_use(superuser) == [("active", True, None)]
    jobs.look()  # heard of now: nobody is asked


def test_the_peer_is_what_the_rail_calls(stripe: SimulatorPeer) -> None:
    assert StripeConnect().api().oauth_url == f"{stripe.url}/stripe_connect"
    assert path_of("http://x/a?b=c") == "/a?b=c"
