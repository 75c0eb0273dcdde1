"""Payees and their methods: added, changed, invited, and paid somewhere."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from app.core.scope import Scope, operator
from app.core.settings import settings
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payees import service
from app.payees.states import PayeeKind
from tests.factories import methods as make_methods
from tests.factories import payables, payees
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House, upload

FORM = {"name": "Lumen Print Co.", "kind": "vendor", "currency": "GBP", "terms_days": "15", "reference": "L-9"}
BANK = "supplier_reference,account_holder,sort_code,account_number\r\n"


def vendor(house: House, name: str = "Lumen Print Co.", **more: Any) -> str:
    return f"/org/oxford/payees/{payees.vendor(house.organization_id, name, **more)}"


def test_a_new_payee_and_changes(house: House) -> None:
    made = house.browser.post("/org/oxford/payees/new", {**FORM, "city": "Oxford", "address_1": "1 High Street"})
    assert made.status_code == 303
    page = house.browser.get(made.location).text
    for said in ("Lumen Print Co.", "L-9", "Net 15", "1 High Street, Oxford", "No payout method", "Nobody yet"):
        assert said in page, said
    edit = f"{made.location}/edit"
    assert 'value="1 High Street"' in house.browser.get(edit).text
    taken = vendor(house, "Acorn", reference="A-1")
    again = house.browser.post(edit, {**FORM, "reference": "A-1"})
    assert again.status_code == 422 and "Already in use." in again.text
    done = house.browser.post(edit, {**FORM, "name": "Lumen Print", "terms_days": "60", "address_1": "1 High Street"})
    assert done.location == made.location
    assert "Net 60" in house.browser.get(made.location).text and taken != made.location
    wrong = house.browser.post("/org/oxford/payees/new", {**FORM, "email": "nobody", "terms_days": "999"})
    assert wrong.status_code == 422 and "Not a valid choice." in wrong.text
    mail = house.browser.post("/org/oxford/payees/new", {**FORM, "email": "nobody"})
    assert mail.status_code == 422 and "Give an address like" in mail.text
    assert house.browser.post("/org/oxford/payees/new", {**FORM, "kind": "organization"}).status_code == 422


def test_search_sort_and_pages(house: House) -> None:
    lines = [f"N{n},S-{n},Supplier {n:03d},5.00,01/08/2017" for n in range(60)]
    payables.imported(house.organization_id, payables.csv(*lines))
    vendor(house, "Zeta Works", reference="ZZ-1")
    page = house.browser.get("/org/oxford/payees?sort=name").text
    assert page.index("Supplier 000") < page.index("Supplier 049") and "Zeta Works" not in page
    older = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "Zeta Works" in house.browser.get(older).text
    assert "Zeta Works" in house.browser.get("/org/oxford/payees?q=zz-1").text
    found = house.browser.htmx("GET", "/org/oxford/payees?q=upplier+01")
    assert "Supplier 019" in found.text and "Supplier 020" not in found.text
    assert found.text.lstrip().startswith('<section class="card')
    assert "Nobody matches" in house.browser.get("/org/oxford/payees?q=%25%25").text


def test_pausing_says_why_and_resuming_does_not(house: House) -> None:
    here = vendor(house)
    assert house.browser.post(f"{here}/pause").status_code == 422
    assert house.browser.post(f"{here}/pause", {"reason": "Dispute about quality"}).status_code == 303
    assert "Paused" in house.browser.get(here).text
    assert house.browser.post(f"{here}/pause", {"reason": "again"}).status_code == 409
    assert house.browser.post(f"{here}/resumption").status_code == 303
    assert "Paused" not in house.browser.get(here).text.split("toasts")[0]


def newest_link(browser: Browser, to: str) -> str:
    listed = browser.get(f"/dev/mailbox?to={to}").text
    first = re.search(r'href="(/dev/mailbox/[0-9a-f-]{36})"', listed)
    assert first, listed
    found = re.search(r'href="http://[^/]+(/[a-z]+/signin/[^"]+)"', browser.get(first[1]).text)
    assert found
    return found[1]


def test_an_invitation_leads_to_the_payee_it_was_sent_for(house: House, client: Browser) -> None:
    row = house.imported()["T1"]
    here = f"/org/oxford/payees/{row.payee_id}"
    bad = house.browser.post(f"{here}/invitations", {"addresses": "sms@example.test, nonsense"})
    assert bad.status_code == 422 and "nonsense" in bad.text
    assert "Nobody yet" in house.browser.get(here).text  # all or none
    sent = house.browser.post(f"{here}/invitations", {"addresses": "sms@example.test;\nboss@example.test"})
    assert sent.status_code == 303
    page = house.browser.get(here).text
    assert "2 invitations sent" in page and "Invited, has not signed in yet" in page
    link = newest_link(client, "sms@example.test")
    assert link.startswith("/vendor/signin/")
    assert client.post(link).status_code == 303
    bills = client.get("/vendor/requests").text
    assert "£198.35" in bills and "Acorn" not in bills
    assert client.get("/org/oxford/bills").status_code == 404
    assert "Last signed in" in house.browser.get(here).text


def test_an_invitation_is_sent_again_and_never_to_two_payees(house: House) -> None:
    here, other = vendor(house), vendor(house, "Other")
    house.browser.post(f"{here}/invitations", {"addresses": "a@example.test"})
    taken = house.browser.post(f"{other}/invitations", {"addresses": "a@example.test"})
    assert taken.status_code == 422 and "signs in for somebody else" in taken.text
    page = house.browser.get(here).text
    again = re.search(rf'action="({here}/invitations/[0-9a-f-]{{36}})"', page)
    assert again and house.browser.post(again[1]).status_code == 303
    assert house.browser.post(again[1].replace(here, other)).status_code == 404


def test_a_method_for_one_payee(house: House) -> None:
    here = vendor(house)
    assert "Bank transfer" in house.browser.get(f"{here}/methods/new").text
    path = f"{here}/methods/new?rail=bank_file"
    fields = {f"detail_{name}": value for name, value in make_methods.BANK.items()}
    wrong = house.browser.post(path, {**fields, "detail_account_number": "x", "default": "y"})
    assert wrong.status_code == 422 and "Account number" in wrong.text
    assert house.browser.post(path, {**fields, "default": "y"}).status_code == 303
    page = house.browser.get(here).text
    assert "••9911" in page and "55779911" not in page and "Default" in page
    again = house.browser.post(path, {**fields, "default": "y"})
    assert again.status_code == 422 and "paid there already" in again.text
    removal = re.search(rf'href="({here}/methods/[0-9a-f-]{{36}}/removal)"', page)
    assert removal and "is not paid there any more" in house.browser.get(removal[1]).text
    assert house.browser.post(removal[1]).status_code == 303
    assert "••9911" not in house.browser.get(here).text.split("<main")[1].split('id="toasts"')[0]


def test_who_works_for_others_keeps_their_own_methods(house: House) -> None:
    with unit_of_work(Scope.organization(house.organization_id)) as session:
        made = service.create(
            session, operator(), house.organization_id, kind=PayeeKind.CREATOR, name="Maya", currency="GBP"
        )
    here = f"/org/oxford/payees/{made.id}"
    assert "/methods/new" not in house.browser.get(here).text
    refused = house.browser.get(f"{here}/methods/new?rail=check")
    assert refused.status_code == 409 and "keeps their own payout methods" in refused.text
    assert "Name and address are theirs to change" in house.browser.get(f"{here}/edit").text
    edited = house.browser.post(f"{here}/edit", {"name": "Someone", "currency": "GBP", "terms_days": "15"})
    assert edited.status_code == 303
    page = house.browser.get(here).text
    assert "Maya" in page and "Someone" not in page and "Net 15" in page


def test_methods_of_another_payee_are_not_reached(house: House) -> None:
    here, other = vendor(house), vendor(house, "Other")
    make_methods.simulated(house.payees()["Other"].payee_id)
    found = re.search(rf"{other}/methods/([0-9a-f-]{{36}})/removal", house.browser.get(other).text)
    assert found
    assert house.browser.post(f"{here}/methods/{found[1]}/removal").status_code == 404
    assert house.browser.post(f"{here}/methods/{found[1]}/default").status_code == 404


def test_one_way_for_everybody_without_one(house: House) -> None:
    house.imported()
    assert "2 payees have no payout method" in house.browser.get("/org/oxford/payees").text
    form = house.browser.get("/org/oxford/payees/method-assignment").text
    assert "Assign to 2 payees" in form and "Simulated transfer" in form and "Check by post" in form
    checks = house.browser.post("/org/oxford/payees/method-assignment", {"rail": "check"})
    assert checks.status_code == 200 and "No postal address is known." in checks.text and "Acorn Trees" in checks.text
    sheet = house.browser.htmx("POST", "/org/oxford/payees/method-assignment", {"rail": "check"}).text
    assert sheet.lstrip().startswith('<div id="assignment"') and "2 payees got none:" in sheet
    assert house.browser.post("/org/oxford/payees/method-assignment", {"rail": "bank_file"}).status_code == 422
    done = house.browser.post("/org/oxford/payees/method-assignment", {"rail": "simulated"})
    assert done.status_code == 303
    page = house.browser.get(done.location).text
    assert "2 payees can be paid now" in page and "have no payout method" not in page


def test_methods_from_a_file(house: House) -> None:
    house.imported()
    body = (BANK + "S-1,SMS Connections,20-00-00,55779911\r\nS-2,Acorn Trees,20-00-00,00000000x\r\n").encode()
    new = "/org/oxford/payees/method-files/new"
    faulty = house.browser.post(new, upload(body, "methods.csv", rail=""))
    assert faulty.status_code == 422 and "1 fault" in faulty.text and "account_number" in faulty.text
    unknown = house.browser.post(new, upload((BANK + "S-9,X,20-00-00,55779911\r\n").encode(), "m.csv", rail=""))
    assert unknown.status_code == 422 and "There is no such payee" in unknown.text
    assert "No payout method" in house.browser.get(f"/org/oxford/payees/{house.bills()['T1'].payee_id}").text
    good = body.replace(b"00000000x", b"55779912")
    kept = house.browser.post(new, upload(good, "methods.csv", rail=""))
    assert kept.status_code == 303, kept.text
    preview = house.browser.get(kept.location).text
    assert "Payout methods of 2 suppliers" in preview and "••9911" in preview and "55779911" not in preview
    assert "had none before" in preview
    done = house.browser.post(f"{kept.location}/application")
    assert done.status_code == 303 and "2 new, 0 replaced" in house.browser.get(done.location).text
    assert "••9912" in house.browser.get(f"/org/oxford/payees/{house.bills()['T2'].payee_id}").text
    assert house.browser.get(kept.location).status_code == 404  # the kept file went with it
    again = house.browser.post(new, upload(good, "methods.csv", rail=""))
    page = house.browser.get(again.location).text
    assert "As they were" in page and f"{again.location}/application" not in page
    assert house.browser.post(f"{again.location}/removal").status_code == 303


def test_a_file_of_methods_lies_sealed(house: House) -> None:
    house.imported()
    body = (BANK + "S-1,SMS Connections,20-00-00,55779911\r\n").encode()
    kept = house.browser.post("/org/oxford/payees/method-files/new", upload(body, "methods.csv", rail=""))
    assert kept.status_code == 303
    files = [p for p in (settings().data_dir / "files").rglob("*") if p.is_file()]
    assert files and not any(b"55779911" in p.read_bytes() for p in files)


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04xl/", b"Name\r\nx\r\n", b"\xff\x00\xff\x00" * 50])
def test_what_is_no_table_of_methods_is_refused(house: House, body: bytes) -> None:
    answer = house.browser.post("/org/oxford/payees/method-files/new", upload(body, "m.csv", rail=""))
    assert answer.status_code == 422


def test_a_manager_keeps_payees_but_not_their_methods(house: House) -> None:
    manager, here = house.member(Role.MANAGER), vendor(house)
    assert manager.post(f"{here}/edit", FORM).status_code == 303
    assert manager.post(f"{here}/invitations", {"addresses": "x@example.test"}).status_code == 303
    page = manager.get(here).text
    assert "/methods/new" not in page and "/invitations" in page
    assert manager.post(f"{here}/methods/new?rail=check").status_code == 403


def test_one_kind_on_a_page_of_its_own(house: House) -> None:
    vendor(house, "Lumen Print Co.")
    payees.vendor(house.organization_id, "Ada Builder", kind=PayeeKind.CONTRACTOR)
    vendors = house.browser.get("/org/oxford/vendors").text
    assert "Lumen Print Co." in vendors and "Ada Builder" not in vendors
    contractors = house.browser.get("/org/oxford/contractors").text
    assert "Ada Builder" in contractors and "Lumen Print Co." not in contractors
    assert "No payees yet" in house.browser.get("/org/oxford/creators").text
    assert house.browser.get("/org/bath/vendors").status_code == 404


def test_terms_of_a_file_stay_a_choice(house: House) -> None:
    page = vendor(house, "Zeta Works", terms_days=21)
    edit = house.browser.get(f"{page}/edit").text
    assert "Net 21" in edit and "Net 45" in edit and "Due on receipt" in edit
    kept = house.browser.post(f"{page}/edit", {**FORM, "name": "Zeta", "reference": "Z", "terms_days": "21"})
    assert kept.status_code == 303 and "Net 21" in house.browser.get(page).text
    refused = house.browser.post(f"{page}/edit", {**FORM, "name": "Zeta", "reference": "Z", "terms_days": "22"})
    assert refused.status_code == 422 and "Not a valid choice." in refused.text


def test_a_vendor_has_business_details(house: House, strangers: list[Browser]) -> None:
    law = {"business_type": "partnership", "trading_name": "Lumen", "registration_number": "OC 4471"}
    made = house.browser.post("/org/oxford/payees/new", {**FORM, **law})
    page = house.browser.get(made.location).text
    assert "Partnership" in page and "OC 4471" in page
    edit = f"{made.location}/edit"
    assert 'selected value="partnership"' in house.browser.get(edit).text
    assert house.browser.post(edit, {**FORM, **law, "business_type": ""}).status_code == 303
    assert "Not stated" in house.browser.get(made.location).text
    wrong = house.browser.post(edit, {**FORM, **law, "registration_number": "536-90-4399"})
    assert wrong.status_code == 422 and "looks like a social security number" in wrong.text
    contractor = house.browser.post("/org/oxford/payees/new", {**FORM, **law, "kind": "contractor", "reference": "C"})
    assert contractor.status_code == 422 and "Only a vendor has this." in contractor.text
    assert all(browser.post(edit, {**FORM, **law}).status_code == 404 for browser in strangers)
    support = house.member(Role.SUPPORT)
    assert support.post(edit, {**FORM, **law}).status_code == 403


def test_the_file_of_payees_names_terms_and_business(house: House) -> None:
    law = {"business_type": "c_corp", "trading_name": "Lumen", "registration_number": "OC 4471"}
    house.browser.post("/org/oxford/payees/new", {**FORM, **law})
    (row,) = csv.DictReader(io.StringIO(house.browser.get("/org/oxford/payees.csv").text))
    assert (row["Payment terms"], row["Business type"], row["Trading name"]) == ("Net 15", "c_corp", "Lumen")
    assert row["Registration number"] == "OC 4471"
