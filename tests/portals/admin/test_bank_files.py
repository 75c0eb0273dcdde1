"""Formats, bank profiles and answers of banks in the browser."""

from __future__ import annotations

import io
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.identity.states import Portal
from jobs import payouts as jobs
from tests.factories import organizations, people
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import approved, status, withdrawn
from tests.portals.conftest import Browser
from tests.rails.test_bank_answers import ach_file, changed, returned
from tests.rails.test_bank_formats import NACHA, NEFT, SEPA

US = {"account_holder": "Zoë Bell", "country": "US", "routing_number": "021000021", "account_number": "123456789012"}


@pytest.fixture
def house(browser: Browser) -> UUID:
    return organizations.organization("house", is_house=True, currency="USD")


@pytest.fixture
def dollars(browser: Browser) -> Shop:
    return make.shop(2, rail="bank_file", slug="dollars", currency="USD", to=US)


def frozen(place: Shop, admin: Actor, checker: Actor) -> tuple[UUID, list[UUID], list[str]]:
    """An export made by `admin`, its payouts in the order of its lines, and what the file calls them."""
    ids = sorted(approved(place, checker, 100_00 + n, payee=n, currency="USD") for n in range(2))
    jobs.send_payouts([str(i) for i in ids], str(place.organization_id), admin.label, str(admin.account_id))
    with unit_of_work(PLATFORM) as session:
        rows = session.execute(text("SELECT export_id, rail_reference FROM payout_attempts ORDER BY payout_id")).all()
        return rows[0].export_id, ids, [row.rail_reference for row in rows]


def upload(browser: Browser, path: str, content: bytes) -> object:
    return browser.post(path, {"file": (io.BytesIO(content), "answer.txt")}, content_type="multipart/form-data")


def test_profiles_are_written_once_and_checked(browser: Browser, house: UUID) -> None:
    page = browser.get("/admin/bank-profiles").text
    assert page.count("Not written yet") == 3 and "US bank (NACHA)" in page
    path = "/admin/bank-profiles/nacha"
    bad = browser.post(path, {**NACHA, "odfi": "091000018", "company_name": "Zoë"})
    assert bad.status_code == 422 and "its check digit does not fit" in bad.text
    assert "Letters without accents" in bad.text and NACHA["company_id"] in bad.text  # nothing typed is lost
    assert browser.post(path, NACHA).status_code == 303
    assert browser.post("/admin/bank-profiles/neft", NEFT).status_code == 303
    assert browser.post("/admin/bank-profiles/sepa", SEPA).status_code == 303
    page = browser.get("/admin/bank-profiles").text
    assert "Not written yet" not in page and "••4300" in page and SEPA["iban"] not in page
    form = browser.get("/admin/bank-profiles/sepa").text
    assert SEPA["iban"] not in form and "••4300 is kept" in form
    assert browser.post("/admin/bank-profiles/sepa", {**SEPA, "iban": "", "name": "Other BV"}).status_code == 303
    assert browser.get("/admin/bank-profiles/what").status_code == 404


def test_an_organization_may_have_a_profile_of_its_own(browser: Browser, house: UUID, dollars: Shop) -> None:
    path = "/admin/bank-profiles/nacha?organization=dollars"
    assert "Dollars" in browser.get("/admin/bank-profiles").text
    assert browser.get("/admin/bank-profiles?organization=dollars&kind=nacha").location.endswith(path)
    assert "For Dollars alone." in browser.get(path).text
    assert browser.post(path, {**NACHA, "company_name": "DOLLARS INC"}).status_code == 303
    page = browser.get("/admin/bank-profiles").text
    assert "Dollars" in page and page.count("Not written yet") == 3
    assert browser.get("/admin/bank-profiles/nacha?organization=nowhere").status_code == 404


def test_only_admins_see_profiles(strangers: list[Browser], client: Browser, house: UUID) -> None:
    for stranger in strangers:
        assert stranger.get("/admin/bank-profiles").status_code == 404
        assert stranger.post("/admin/bank-profiles/nacha", NACHA).status_code == 404
        assert stranger.get("/admin/exports/answer").status_code == 404
    assert client.get("/admin/bank-profiles/nacha").status_code == 303


def test_the_format_is_offered_with_reasons_and_shown_with_what_it_rewrites(
    browser: Browser, second: Browser, admin: Actor, checker: Actor, house: UUID, dollars: Shop
) -> None:
    export_id, _ids, idents = frozen(dollars, admin, checker)
    page = browser.get(f"/admin/exports/{export_id}").text
    assert "The bank profile “US bank (NACHA)” is not written yet." in page and "SEPA transfers are in euros." in page
    path = f"/admin/exports/{export_id}/format"
    refused = browser.post(path, {"format": "nacha"})
    assert refused.status_code == 409 and "not written yet" in refused.text
    assert browser.post(path, {"format": "what"}).status_code == 422
    browser.post("/admin/bank-profiles/nacha", NACHA)
    assert "Make it NACHA" in browser.get(f"/admin/exports/{export_id}").text
    assert browser.post(path, {"format": "nacha"}).status_code == 303
    page = browser.get(f"/admin/exports/{export_id}").text
    assert "Zoë Bell" in page and "ZOE BELL" in page and idents[0] in page
    assert second.post(path, {"format": "csv"}).status_code == 303
    own = second.post(f"/admin/exports/{export_id}/release")
    assert own.status_code == 403 and "You chose the format of this export" in own.text


def test_a_return_file_after_paid_makes_the_earnings_ready_again(
    browser: Browser,
    second: Browser,
    admin: Actor,
    checker: Actor,
    house: UUID,
    dollars: Shop,
    sign_in: Callable[[Portal, str], Browser],
) -> None:
    browser.post("/admin/bank-profiles/nacha", NACHA)
    people.payee(dollars.payee_ids[1], "payee@example.test")
    export_id, ids, idents = frozen(dollars, admin, checker)
    second.post(f"/admin/exports/{export_id}/release")
    answer = browser.post(f"/admin/exports/{export_id}/file")
    assert answer.data.startswith(b"101 ") and answer.headers["Content-Disposition"].endswith(".ach")
    path = f"/admin/exports/{export_id}/answer"
    upload(browser, path, f"reference,status\n{idents[0]},paid\n{idents[1]},paid\n".encode())
    assert [status(payout_id) for payout_id in ids] == ["paid", "paid"]
    amount = 100_00
    wrong = upload(browser, path, ach_file(returned(idents[0], amount + 1, "R02")))
    assert wrong.status_code == 422 and "The export says 100.00" in wrong.text  # type: ignore[attr-defined]
    bounced = ach_file(returned(idents[0], amount, "R02"), changed(idents[1], "C01", "1918171614"))
    said = upload(browser, "/admin/exports/answer", bounced)
    assert said.status_code == 303  # type: ignore[attr-defined]
    assert [status(payout_id) for payout_id in ids] == ["returned", "paid"]
    assert "The account is closed." in browser.get(f"/admin/payouts/{ids[0]}").text
    with unit_of_work(PLATFORM) as session:
        ready = session.execute(text("SELECT sum(amount_minor) FROM ready_earnings")).scalar_one()
        kinds = session.execute(text("SELECT count(*) FROM ledger_entries WHERE kind = 'payout_returned'"))
        assert (ready, kinds.scalar_one()) == (amount, 1)
        payees = session.execute(text("SELECT payee_id FROM methods WHERE notice_code = 'C01'")).scalars().all()
    (payee_id,) = payees
    page = browser.get(f"/admin/payees/{payee_id}").text
    assert "ends in 1614 now" in page and "C01" in page
    with unit_of_work(PLATFORM) as session:
        mails = session.execute(text("SELECT to_address FROM mails WHERE template = 'bank_notice'")).scalars().all()
        assert mails == ["payee@example.test"]
    payee = sign_in(Portal.VENDOR, "payee@example.test").get("/vendor/settings/payout-methods").text
    assert "Your bank told us new details" in payee and "ends in 1614 now" in payee and "1918171614" not in payee


def test_a_destination_of_several_payees_is_flagged_before_the_approval(
    browser: Browser, dollars: Shop, house: UUID
) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE methods SET details_index = 'the same'"))
    first = withdrawn(dollars, currency="USD")
    assert "1 other payee is paid at this destination" in browser.get(f"/admin/payouts/{first}").text
    queue = browser.get("/admin/payouts").text
    assert "Shared with 1 payee" in queue and US["account_number"] not in queue
    assert "1 other payee is paid here too" in browser.get(f"/admin/payees/{dollars.payee_ids[0]}").text
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE methods SET details_index = id::text"))
    assert "other payee" not in browser.get(f"/admin/payouts/{first}").text
