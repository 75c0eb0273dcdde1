"""Thousands decided at once: few statements, exact numbers, and every bill that was left is named."""

from __future__ import annotations

from typing import Any

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.payables import queries
from app.payables.queries import RequestFilter
from app.payables.states import RequestStatus
from tests.factories import payables
from tests.portals.org.conftest import House, statements, value_of

MANY = 3_000


def many(count: int = MANY) -> bytes:
    return payables.csv(*(f"B{n:05d},S-{n % 700},Supplier {n % 700},{n % 90 + 1}.00,01/08/2017" for n in range(count)))


def left(house: House) -> int:
    with unit_of_work(Scope.organization(house.organization_id)) as session:
        return queries.count(session, house.organization_id, RequestFilter(status=RequestStatus.SUBMITTED))


def test_ticked_bills_are_approved_and_the_list_comes_back(house: House) -> None:
    bills = house.imported()
    ids = [str(bills[name].id) for name in ("T1", "T3")]
    answer = house.browser.htmx("POST", "/org/oxford/bills/approvals", {"id": ids})
    assert answer.status_code == 200 and "2 bills approved" in answer.text and "£148.35" in answer.text
    assert 'hx-target="#queue"' in answer.text and 'hx-target="#views"' in answer.text
    assert "Acorn Trees" in answer.text and "SMS Connections" not in answer.text
    assert left(house) == 1


def test_rejecting_many_asks_for_the_reason_first(house: House) -> None:
    bills = house.imported()
    ids = [str(row.id) for row in bills.values()]
    query = "&".join(f"id={i}" for i in ids)
    form = house.browser.htmx("GET", f"/org/oxford/bills/rejections?{query}")
    assert "Reject 3 bills?" in form.text and all(f'value="{i}"' in form.text for i in ids)
    silent = house.browser.post("/org/oxford/bills/rejections", {"id": ids})
    assert silent.status_code == 422 and "Give a reason." in silent.text
    done = house.browser.post("/org/oxford/bills/rejections", {"id": ids, "reason": "Wrong department"})
    assert done.status_code == 303
    assert {row.review_reason for row in house.bills().values()} == {"Wrong department"}


def test_what_cannot_be_decided_is_listed_and_the_rest_is_done(house: House) -> None:
    bills = house.imported()
    house.browser.post(f"/org/oxford/bills/{bills['T1'].id}/approval")
    ids = [str(row.id) for row in bills.values()]
    plain = house.browser.post("/org/oxford/bills/approvals", {"id": ids})
    assert plain.status_code == 200
    assert "2 bills approved" in plain.text and "1 bill was left as it is" in plain.text
    assert ">T1</a>: It is approved already." in plain.text
    again = house.browser.htmx("POST", "/org/oxford/bills/approvals", {"id": ids})
    assert again.status_code == 200 and "3 bills were left as they are" in again.text


def test_nothing_chosen_and_nonsense_are_refused(house: House) -> None:
    assert house.browser.post("/org/oxford/bills/approvals").status_code == 422
    assert house.browser.post("/org/oxford/bills/approvals", {"id": "x"}).status_code == 422


def confirmed(house: House, noun: str, query: str = "", **fields: str) -> Any:
    """Look at the numbers, then say yes."""
    path = f"/org/oxford/bills/{noun}?all=1{query}"
    form = house.browser.get(path).text
    sent = {name: value_of(form, name) for name in ("until", "expected", "idempotency_key")}
    return form, sent, lambda: house.browser.post(path, {**sent, **fields})


def test_all_that_match_are_approved_in_a_few_statements(house: House) -> None:
    house.imported(many())
    form, _sent, send = confirmed(house, "approvals")
    assert "Approve 3,000 bills?" in form and "700" in form and "£" in form
    with statements() as sent:
        done = send()
    assert done.status_code == 303
    assert len(sent) <= 30, len(sent)
    assert left(house) == 0
    page = house.browser.get("/org/oxford/bills").text
    assert "3,000 bills approved" in page
    assert "Nothing waits for approval" in page


def test_only_what_the_filter_finds(house: House) -> None:
    house.imported(many(300))
    form, _sent, send = confirmed(house, "rejections", "&min=80", reason="Too large")
    assert "Reject 33 bills?" in form
    assert send().status_code == 303
    assert left(house) == 300 - 33


def test_bills_that_came_meanwhile_are_not_decided(house: House) -> None:
    house.imported()
    _form, _sent, send = confirmed(house, "approvals")
    house.imported(payables.csv("LATE,S-1,SMS Connections Ltd,999.00,01/08/2017"))
    assert send().status_code == 303
    assert house.bills()["LATE"].status is RequestStatus.SUBMITTED
    assert left(house) == 1


def test_a_list_that_changed_shows_its_new_numbers_first(house: House) -> None:
    bills = house.imported()
    _form, _sent, send = confirmed(house, "approvals")
    house.browser.post(f"/org/oxford/bills/{bills['T2'].id}/approval")
    answer = send()
    assert answer.status_code == 422
    assert "The list changed while you were looking at it" in answer.text and "Approve 2 bills?" in answer.text
    assert left(house) == 2


def test_a_form_sent_twice_decides_once(house: House) -> None:
    house.imported()
    _form, _sent, send = confirmed(house, "approvals")
    first, second = send(), send()
    assert (first.status_code, second.status_code) == (303, 303)
    assert left(house) == 0
