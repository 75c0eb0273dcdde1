"""Deciding on bills in front of the page: one by one, with script and without."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest

from app.core.clock import today
from app.organizations.states import Role
from app.payables.states import RequestStatus
from tests.factories import methods, payables, payees, people
from tests.portals.conftest import Browser
from tests.portals.org.conftest import BILLS, House, value_of


def test_the_queue_shows_what_waits(house: House) -> None:
    house.imported()
    page = house.browser.get("/org/oxford/bills").text
    for said in ("SMS Connections Ltd", "Acorn Trees", "£6,203.92", "−£50.00", "Needs approval", "3 shown"):
        assert said in page, said
    assert "Approve all…" in page


def test_without_script_a_bill_is_approved_from_its_page(house: House) -> None:
    bill = house.imported()["T2"]
    page = house.browser.get(f"/org/oxford/bills/{bill.id}")
    assert "No payout method for this currency yet." in page.text
    assert "Waiting for Oxford to approve it." in page.text
    done = house.browser.post(f"/org/oxford/bills/{bill.id}/approval", {"version": "1", "whole": "1"})
    assert done.status_code == 303 and done.location.endswith(f"/bills/{bill.id}")
    after = house.browser.get(done.location).text
    assert "Approved" in after and "£6,203.92 of Acorn Trees" in after
    row = house.bills()["T2"]
    assert (row.status, row.approved_minor, row.reviewed_by) == (RequestStatus.APPROVED, 620392, "Owner")


def test_with_script_the_row_the_drawer_and_the_tabs_come_back(house: House) -> None:
    bill = house.imported()["T2"]
    drawer = house.browser.htmx("GET", f"/org/oxford/bills/{bill.id}")
    assert drawer.text.lstrip().startswith('<div class="drawer-body"')
    answer = house.browser.htmx("POST", f"/org/oxford/bills/{bill.id}/approval?drawer=1", {"version": "1"})
    assert answer.status_code == 200
    for target in (f"#bill-{bill.id}", f"#d-{bill.id} &gt; td", "#views"):
        assert f'hx-target="{target}"' in answer.text, target
    assert 'aria-expanded="true"' in answer.text
    again = house.browser.htmx("POST", f"/org/oxford/bills/{bill.id}/approval", {"version": "1"})
    assert again.status_code == 409 and "It is approved already. Owner decided." in again.text


def test_another_amount_needs_a_reason(house: House) -> None:
    bill = house.imported()["T2"]
    path = f"/org/oxford/bills/{bill.id}/approval"
    form = house.browser.get(path).text
    assert 'value="6,203.92"' in form
    silent = house.browser.post(path, {"amount": "6000", "version": "1"})
    assert silent.status_code == 422 and "Give a reason." in silent.text
    more = house.browser.post(path, {"amount": "7000", "reason": "Tip", "version": "1"})
    assert more.status_code == 422 and "At most £6,203.92" in more.text
    unread = house.browser.post(path, {"amount": "1.234", "reason": "x", "version": "1"})
    assert unread.status_code == 422
    for nothing, said in (("", "Enter an amount."), ("0", "reject the bill instead")):  # neither is a yes to all of it
        empty = house.browser.post(path, {"amount": nothing, "reason": "Half of it", "version": "1"})
        assert empty.status_code == 422 and said in empty.text and "Half of it" in empty.text
    assert house.bills()["T2"].status is RequestStatus.SUBMITTED
    done = house.browser.post(path, {"amount": "6,000.00", "reason": "One tree is still there", "version": "1"})
    assert done.status_code == 303
    page = house.browser.get(f"/org/oxford/bills/{bill.id}").text
    assert "£6,000.00 of £6,203.92 approved: One tree is still there" in page and "Amount changed" in page


def test_a_rejection_says_why(house: House) -> None:
    bill = house.imported()["T1"]
    path = f"/org/oxford/bills/{bill.id}/rejection"
    assert house.browser.post(path, {"version": "1"}).status_code == 422
    assert house.browser.post(path, {"reason": "Not ours", "version": "1"}).status_code == 303
    assert "Not ours" in house.browser.get(f"/org/oxford/bills/{bill.id}").text
    assert "SMS Connections" in house.browser.get("/org/oxford/bills?status=rejected").text


def test_a_bill_that_changed_meanwhile_is_looked_at_again(house: House) -> None:
    bill = house.imported()["T1"]
    stale = house.browser.post(f"/org/oxford/bills/{bill.id}/approval", {"version": "7"})
    assert stale.status_code == 409 and "was changed in the meantime" in stale.text
    assert house.bills()["T1"].status is RequestStatus.SUBMITTED


def test_who_sends_a_bill_does_not_approve_it(house: House, superuser: object) -> None:
    payee_id = payees.vendor(house.organization_id, "Lumen Print")
    request_id = payables.submitted(house.organization_id, people.payee(payee_id))
    superuser.execute(  # type: ignore[attr-defined]
        "UPDATE payment_requests SET submitted_by_account_id = %s WHERE id = %s", (house.owner.account_id, request_id)
    )
    page = house.browser.get("/org/oxford/bills").text
    assert "You submitted it yourself; somebody else has to decide." in page and "disabled" in page
    refused = house.browser.post(f"/org/oxford/bills/{request_id}/approval")
    assert refused.status_code == 403 and "somebody else has to decide" in refused.text


def test_approved_bills_say_where_their_money_is(house: House) -> None:
    bills = house.imported()
    for reference in ("T1", "T2"):
        house.browser.post(f"/org/oxford/bills/{bills[reference].id}/approval")
    methods.simulated(bills["T1"].payee_id)
    approved = house.browser.get("/org/oxford/bills?status=approved").text
    assert "Available" in approved and "Blocked" in approved
    assert "Ready to be paid." in house.browser.get(f"/org/oxford/bills/{bills['T1'].id}").text


def test_bills_that_look_alike_are_said(house: House) -> None:
    house.imported()
    again = payables.csv("X9,S-2,Acorn Trees,6203.92,18/07/2017")
    row = house.imported(again)["X9"]
    assert "Looks repeated" in house.browser.get("/org/oxford/bills?q=X9").text
    page = house.browser.get(f"/org/oxford/bills/{row.id}").text
    assert "the same amount and day" in page and ">T2</a>" in page
    lines = payables.csv("P1,S-3,Parts,10.00,18/07/2017", "P2,S-3,Parts,10.00,18/07/2017")
    house.imported(lines)
    assert "Looks repeated" not in house.browser.get("/org/oxford/bills?q=Parts").text  # two lines of one file


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=acorn", {"T2"}),
        ("q=S-1", {"T1", "T3"}),
        ("q=T2", {"T2"}),
        ("min=100", {"T1", "T2"}),
        ("min=100&max=200", {"T1"}),
        ("max=0.01", {"T3"}),
        ("from=2017-07-19", {"T1", "T3"}),
        ("from=2017-07-18&to=2017-07-19", {"T2", "T3"}),
        ("currency=USD", set()),
        ("status=approved", set()),
        ("status=all", {"T1", "T2", "T3"}),
        ("status=nonsense&min=abc&from=never&sort=oops", {"T1", "T2", "T3"}),
        ("q=%25", set()),
    ],
)
def test_filters(house: House, query: str, expected: set[str]) -> None:
    house.imported()
    page = house.browser.get(f"/org/oxford/bills?{query}").text
    assert {reference for reference in ("T1", "T2", "T3") if f">{reference}</small>" in page} == expected
    answer = house.browser.get(f"/org/oxford/bills.csv?{query}")
    assert answer.content_type.startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["Reference"] for row in rows} == expected


def test_filters_are_chips_that_can_be_taken_off(house: House) -> None:
    bills = house.imported()
    page = house.browser.get(f"/org/oxford/bills?payee={bills['T2'].payee_id}&min=5").text
    assert "Acorn Trees" in page and "SMS Connections" not in page
    assert "At least" in page and f"payee={bills['T2'].payee_id}" in page and "Clear" in page
    assert "Nothing matches these filters" in house.browser.get("/org/oxford/bills?q=nobody").text
    wrong = house.browser.get("/org/oxford/bills?min=1.2.3").text
    assert 'class="small red"' in wrong


def test_sorting_by_amount_and_pages_by_key(house: House) -> None:
    lines = [f"N{n:03d},S-{n},Supplier {n},{n}.00,01/08/2017" for n in range(1, 61)]
    house.imported(payables.csv(*lines))
    first = house.browser.get("/org/oxford/bills?sort=largest&limit=25")
    assert first.text.index(">N060</small>") < first.text.index(">N036</small>")
    assert ">N035</small>" not in first.text
    older = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = house.browser.get(older).text
    assert ">N035</small>" in second and ">N036</small>" not in second
    assert house.browser.get("/org/oxford/bills?cursor=broken").status_code == 422


def test_the_csv_defuses_formulas(house: House) -> None:
    house.imported(payables.csv("F1,S-9,=HYPERLINK(1),5.00,01/08/2017"))
    assert "'=HYPERLINK(1)" in house.browser.get("/org/oxford/bills.csv").text


def test_paying_before_the_terms_have_passed_is_for_admins(house: House) -> None:
    payee_id = payees.vendor(house.organization_id, "Lumen Print", terms_days=30)
    actor = people.payee(payee_id)
    request_id = payables.approved(house.organization_id, actor, invoice_on=today() - timedelta(days=1))
    page = house.browser.get(f"/org/oxford/bills/{request_id}").text
    assert "Pay before it is due" in page and "Waiting for the payment terms to pass." in page
    manager = house.member(Role.MANAGER)
    assert "Pay before it is due" not in manager.get(f"/org/oxford/bills/{request_id}").text
    assert house.browser.post(f"/org/oxford/bills/{request_id}/release").status_code == 422
    done = house.browser.post(f"/org/oxford/bills/{request_id}/release", {"reason": "Christmas"})
    assert done.status_code == 303
    assert "Released early: Christmas" in house.browser.get(f"/org/oxford/bills/{request_id}").text


def test_attachments_belong_to_their_bill(house: House, strangers: list[Browser]) -> None:
    bill = house.imported()["T1"]
    path = f"/org/oxford/bills/{bill.id}/files/{uuid4()}"
    assert house.browser.get(path).status_code == 404
    assert strangers[1].get(path).status_code == 404


def test_the_form_keeps_its_key_so_that_a_repeat_counts_once(house: House) -> None:
    bill = house.imported()["T2"]
    path = f"/org/oxford/bills/{bill.id}/approval"
    key = value_of(house.browser.get(path).text, "idempotency_key")
    sent = {"amount": "6,203.92", "version": "1", "idempotency_key": key}
    first, second = house.browser.post(path, sent), house.browser.post(path, sent)
    assert (first.status_code, second.status_code) == (303, 303) and first.location == second.location
    other = house.browser.post(path, {**sent, "amount": "1.00"})
    assert other.status_code == 422


def test_bills_of_the_sample_import_again_add_nothing(house: House) -> None:
    assert len(house.imported()) == len(house.imported(BILLS)) == 3


def test_the_number_beside_the_link_ends_where_counting_ends(house: House) -> None:
    lines = [f"N{n},S-{n % 9},Supplier {n % 9},{n + 1}.00,01/08/2017" for n in range(1_001)]
    payables.imported(house.organization_id, payables.csv(*lines))
    page = house.browser.get("/org/oxford/bills").text
    assert page.count("1,000+") >= 2 and ">1001<" not in page and ">1000<" not in page
