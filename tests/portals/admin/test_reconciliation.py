"""The desk in the browser: search, match, suspense, write-offs by two people; filters, CSV, and who is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from app.core.clock import today
from app.core.money import Money
from app.db.session import engine, unit_of_work
from app.identity.states import Portal
from app.rails import registry
from app.reconciliation import balances
from jobs import reconciliation
from tests.factories import payouts as make
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.factories.sent import Sent, sent, states
from tests.factories.statements import PLATFORM, house, imported
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]


@pytest.fixture
def made(database_url: str) -> Sent:
    return sent(make.admin("maker@quittance.test"), make.admin("checker@quittance.test"))


@pytest.fixture
def anna(sign_in: SignIn, made: Sent) -> Browser:
    return sign_in(Portal.ADMIN, "maker@quittance.test")


@pytest.fixture
def bert(sign_in: SignIn, made: Sent) -> Browser:
    return sign_in(Portal.ADMIN, "checker@quittance.test")


def line(amount: str, words: str = "Mystery") -> UUID:
    statement_id = imported([(today(), words, "", amount)], name=f"{words}.csv")
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT id FROM statement_lines WHERE statement_id = :id")
        return session.execute(query, {"id": statement_id}).scalar_one()


def url(line_id: UUID, act: str = "") -> str:
    return f"/admin/reconciliation/lines/{line_id}{act}"


def count(table: str) -> int:
    with unit_of_work(PLATFORM) as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_the_desk_shows_what_is_open_and_how_old(anna: Browser, made: Sent) -> None:
    line("-1.23", "Rent of the office")
    line("-10.00", made.payouts[0].number)
    seen = anna.get("/admin/reconciliation").text
    assert "Rent of the office" in seen and "Age of what is open" in seen and "£1.23" in seen
    assert made.payouts[0].number not in seen
    matched = anna.get("/admin/reconciliation?state=matched").text
    assert made.payouts[0].number in matched and "by its reference" in matched
    assert "Rent of the office" not in anna.get("/admin/reconciliation?q=payroll").text
    assert (
        "Rent of the office" in anna.get("/admin/reconciliation?q=rent&direction=out&age=0%E2%80%933&account=bank").text
    )
    assert "Nothing here" in anna.get("/admin/reconciliation?direction=in").text
    assert anna.get("/admin/reconciliation?state=nonsense&age=x&since=y").status_code == 200
    assert "Statement lines to explain" in anna.get("/admin/").text


def test_the_file_has_what_the_filter_shows(anna: Browser) -> None:
    line("-1.23", "=Rent")
    rows = anna.get("/admin/reconciliation.csv").text.splitlines()
    assert rows[0].startswith("account,booked_on,amount") and "-1.23,GBP,'=Rent" in rows[1] and len(rows) == 2
    assert len(anna.get("/admin/reconciliation.csv?state=matched").text.splitlines()) == 1


def test_two_payouts_in_one_line_by_hand(anna: Browser, made: Sent) -> None:
    chosen = line("-20.01")
    seen = anna.get(url(chosen, "?q=vendor")).text
    assert all(row.number in seen for row in made.payouts)
    ticked = [f"payout:{row.attempt_id}" for row in made.payouts[:2]]
    wrong = anna.post(url(chosen, "/match?q=vendor"), {"target": ticked[:1], "note": "Kept"})
    assert wrong.status_code == 422 and "differs from the line by -10.01 GBP" in wrong.text
    assert "Kept" in wrong.text and f'value="{ticked[0]}"' in wrong.text
    assert anna.post(url(chosen, "/match"), {"target": ticked}).status_code == 303
    assert states(made) == ["paid", "paid", "processing"]
    page = anna.get(url(chosen)).text
    assert "Matched" in page and "Take it back" in page and made.payouts[1].number in page


@pytest.mark.parametrize("target", ["", "payout:x", "thing:01a1ffa0-9fba-7b0d-a5f0-f3b1fd75bd5a"])
def test_nonsense_is_refused_with_a_sentence(anna: Browser, target: str) -> None:
    chosen = line("-5.00")
    answer = anna.post(url(chosen, "/match"), {"target": target})
    assert answer.status_code == 422 and ("Search again" in answer.text or "Tick what" in answer.text)
    assert count("open_statement_lines") == 1


def test_suspense_and_back(anna: Browser) -> None:
    chosen = line("5.00")
    assert anna.post(url(chosen, "/suspense"), {"note": " "}).status_code == 422
    assert anna.post(url(chosen, "/suspense"), {"note": "A stranger"}).status_code == 303
    assert "A stranger" in anna.get("/admin/reconciliation?state=suspended").text
    assert anna.post(url(chosen, "/undoing"), {"note": "Known now"}).status_code == 303
    assert "Known now" in anna.get(url(chosen)).text and count("open_statement_lines") == 1
    assert anna.post(url(chosen, "/undoing"), {"note": "Again"}).status_code == 409


def test_a_write_off_takes_two_people(anna: Browser, bert: Browser) -> None:
    chosen = line("-3.00", "Fee")
    assert anna.post(url(chosen, "/write-off"), {"reason": ""}).status_code == 422
    assert anna.post(url(chosen, "/write-off"), {"reason": "Fee of the bank"}).status_code == 303
    assert "Fee of the bank" in bert.get("/admin/reconciliation?state=proposed").text
    with unit_of_work(PLATFORM) as session:
        write_off = session.execute(text("SELECT id FROM write_offs")).scalar_one()
    decide = f"/admin/reconciliation/write-offs/{write_off}"
    assert "somebody else has to decide" in anna.get(url(chosen)).text
    assert anna.post(f"{decide}/approval").status_code == 403
    assert bert.get(f"{decide}/rejection").status_code == 200
    assert bert.post(f"{decide}/approval").status_code == 303
    assert "Fee of the bank" in bert.get("/admin/reconciliation?state=written_off").text
    assert count("open_statement_lines") == 0


def test_a_write_off_can_be_rejected(anna: Browser, bert: Browser) -> None:
    chosen = line("-3.00", "Fee")
    anna.post(url(chosen, "/write-off"), {"reason": "Fee"})
    with unit_of_work(PLATFORM) as session:
        write_off = session.execute(text("SELECT id FROM write_offs")).scalar_one()
    rejection = f"/admin/reconciliation/write-offs/{write_off}/rejection"
    assert bert.post(rejection, {"reason": ""}).status_code == 422
    assert bert.post(rejection, {"reason": "Ask first"}).status_code == 303
    assert "To explain" in anna.get(url(chosen)).text


def test_too_much_to_write_off(anna: Browser) -> None:
    answer = anna.post(url(line("-500.00"), "/write-off"), {"reason": "Never mind"})
    assert answer.status_code == 422 and "Nothing above 100.00 GBP is written off" in answer.text


def asked(browser: Browser) -> int:
    """How many statements the desk takes."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        assert browser.get("/admin/reconciliation?state=suspended").status_code == 200
    finally:
        event.remove(engine(), "before_cursor_execute", note)
    return len(seen)


def test_many_lines_take_the_statements_of_one(anna: Browser) -> None:
    anna.post(url(line("-1.11", "one"), "/suspense"), {"note": "?"})
    few = asked(anna)
    for number in range(5):
        anna.post(url(line("-0.01", f"l{number}"), "/suspense"), {"note": "?"})
    assert asked(anna) == few


def test_closing_a_month_is_refused_and_accepted(anna: Browser) -> None:
    last = today().replace(day=1) - timedelta(days=1)
    imported([(last, "Late rent", "", "-7.00")], name="last.csv")
    seen = anna.get("/admin/closed-months").text
    assert "cannot be closed yet" in seen and f"until={last}" in seen
    refused = anna.post("/admin/closed-months", {"month": f"{last:%Y-%m}"})
    assert refused.status_code == 409 and "1 statement line is not explained" in refused.text
    with unit_of_work(PLATFORM) as session:
        chosen = session.execute(text("SELECT line_id FROM open_statement_lines")).scalar_one()
    anna.post(url(chosen, "/suspense"), {"note": "?"})
    assert "Nothing stands in the way" in anna.get("/admin/closed-months").text
    assert anna.post("/admin/closed-months", {"month": f"{last:%Y-%m}"}).status_code == 303
    line("-2.00", "Next")
    seen = anna.get("/admin/closed-months").text
    assert f"{last:%B %Y}" in seen and re.search(r"\d+ entries, £[\d,]+\.\d\d", seen)
    assert "is not over" in seen and "Statement lines to explain" in seen
    assert anna.post("/admin/closed-months", {"month": "soon"}).status_code == 422


def test_others_find_nothing(sign_in: SignIn, made: Sent) -> None:
    chosen = line("-1.00")
    people.account(Portal.VENDOR, "vic@example.test", vendor(organization("oxford")))
    vic = sign_in(Portal.VENDOR, "vic@example.test")
    for path in (
        "/admin/reconciliation",
        "/admin/reconciliation.csv",
        "/admin/closed-months",
        "/admin/watch-list",
        url(chosen),
        url(chosen, "/suspense"),
    ):
        assert vic.get(path).status_code == 404
    assert vic.post(url(chosen, "/suspense"), {"note": "?"}).status_code == 404
    assert count("open_statement_lines") == 1


def test_the_watch_list_says_what_is_late(anna: Browser, made: Sent, superuser: Any) -> None:
    assert "Nothing is late" in anna.get("/admin/watch-list").text
    superuser.execute("UPDATE payouts SET status_at = now() - interval '30 days' WHERE id = %s", [made.payouts[0].id])
    reconciliation.every_quarter()
    seen = anna.get("/admin/watch-list").text
    assert made.payouts[0].number in seen and f"/admin/payouts/{made.payouts[0].id}" in seen
    assert "On the watch list" in anna.get("/admin/").text
    with unit_of_work(PLATFORM) as session:
        item = session.execute(text("SELECT id FROM desk_items")).scalar_one()
    closing = f"/admin/watch-list/{item}/closing"
    assert anna.post(closing, {"note": ""}).status_code == 422
    assert anna.post(closing, {"note": "The bank looks into it"}).status_code == 303
    assert "The bank looks into it" in anna.get("/admin/watch-list?view=over").text
    assert anna.post(closing, {"note": "Again"}).status_code == 409


def test_the_watch_list_says_which_balances_agree(anna: Browser) -> None:
    with unit_of_work(PLATFORM) as session:
        assert balances.compare(session, "stripe_connect", [Money(5_00, "GBP")])
    seen = anna.get("/admin/watch-list").text
    assert registry.rail("stripe_connect").label in seen and "£5.00" in seen and "Stripe connect" not in seen


def test_a_transfer_between_our_accounts(anna: Browser) -> None:
    house()
    fields = {"from_account": "bank", "to_account": "bank", "amount": "500.00", "currency": "USD",
              "reference": "TOPUP-1", "sent_on": str(today())}  # fmt: skip
    wrong = anna.post("/admin/own-transfers/new", fields)
    assert wrong.status_code == 422 and "Choose another one of our accounts" in wrong.text and "TOPUP-1" in wrong.text
    assert anna.post("/admin/own-transfers/new", {**fields, "to_account": "paypal"}).status_code == 303
    seen = anna.get("/admin/own-transfers").text
    assert "TOPUP-1" in seen and "On its way" in seen and "PayPal balance" in seen
    with unit_of_work(PLATFORM) as session:
        made = session.execute(text("SELECT id FROM own_transfers")).scalar_one()
    assert anna.post(f"/admin/own-transfers/{made}/arrival").status_code == 303
    assert anna.post(f"/admin/own-transfers/{made}/return").status_code == 409
    assert "Arrived" in anna.get("/admin/own-transfers").text
