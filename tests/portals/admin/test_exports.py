"""Bank files and checks in the browser: released by a second person, downloaded, printed, answered."""

from __future__ import annotations

import csv
import io
from uuid import UUID

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from app.core.scope import Actor
from app.db.session import unit_of_work
from jobs import payouts as jobs
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import approved, status
from tests.portals.conftest import Browser


@pytest.fixture
def bank(browser: Browser) -> Shop:
    return make.shop(2, rail="bank_file", slug="bank")


@pytest.fixture
def paper(browser: Browser) -> Shop:
    return make.shop(2, rail="check", slug="paper")


def frozen(place: Shop, admin: Actor, checker: Actor) -> tuple[UUID, list[UUID]]:
    """An export made by `admin`, and its payouts in the order of its lines."""
    ids = sorted(approved(place, checker, 100_00 + n, payee=n) for n in range(2))
    jobs.send_payouts([str(i) for i in ids], str(place.organization_id), admin.label, str(admin.account_id))
    with unit_of_work(PLATFORM) as session:
        export_id = session.execute(text("SELECT id FROM payout_exports")).scalar_one()
        return export_id, ids


def audited(action: str) -> int:
    with unit_of_work(PLATFORM) as session:
        query = text("SELECT count(*) FROM audit_records WHERE action = :action")
        return int(session.execute(query, {"action": action}).scalar_one())


def upload(browser: Browser, export_id: UUID, content: str) -> object:
    return browser.post(
        f"/admin/exports/{export_id}/answer",
        {"file": (io.BytesIO(content.encode()), "answer.csv")},
        content_type="multipart/form-data",
    )


def test_a_second_person_releases_the_file(
    browser: Browser, second: Browser, admin: Actor, checker: Actor, bank: Shop
) -> None:
    export_id, ids = frozen(bank, admin, checker)
    page = browser.get(f"/admin/exports/{export_id}").text
    assert "You made this export; somebody else has to release it." in page and "£200.01" in page
    assert "••0000" in page and "13010000" not in page and "Download file" not in page
    refused = browser.post(f"/admin/exports/{export_id}/release")
    assert refused.status_code == 403 and "somebody else has to release it" in refused.text
    assert browser.post(f"/admin/exports/{export_id}/file").status_code == 409
    assert second.post(f"/admin/exports/{export_id}/release").status_code == 303
    assert "Download file" in browser.get(f"/admin/exports/{export_id}").text
    answer = browser.post(f"/admin/exports/{export_id}/file")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["account_number"] for row in rows} == {"13010000"} and len(rows) == 2
    assert audited("export.downloaded") == 1
    assert [status(payout_id) for payout_id in ids] == ["processing", "processing"]


def test_a_void_export_lets_its_payouts_be_tried_again(
    browser: Browser, admin: Actor, checker: Actor, bank: Shop
) -> None:
    export_id, ids = frozen(bank, admin, checker)
    assert browser.post(f"/admin/exports/{export_id}/void", {"reason": ""}).status_code == 422
    browser.post(f"/admin/exports/{export_id}/void", {"reason": "Wrong account"})
    assert [status(payout_id) for payout_id in ids] == ["failed", "failed"]
    assert "Wrong account" in browser.get(f"/admin/payouts/{ids[0]}").text
    assert browser.post(f"/admin/exports/{export_id}/release").status_code in (403, 409)


def test_the_banks_answer_is_applied_whole_or_not_at_all(
    browser: Browser, second: Browser, admin: Actor, checker: Actor, bank: Shop
) -> None:
    export_id, ids = frozen(bank, admin, checker)
    second.post(f"/admin/exports/{export_id}/release")
    keys = [f"{payout_id.hex}-a1" for payout_id in ids]
    bad = upload(browser, export_id, f"reference,status,amount\n{keys[0]},paid,100.00\n{keys[1]},maybe,\nother,paid,\n")
    assert bad.status_code == 422  # type: ignore[attr-defined]
    said = bad.text  # type: ignore[attr-defined]
    assert "Line 3" in said and "maybe" in said and "Line 4" in said and "not in the export" in said
    assert [status(payout_id) for payout_id in ids] == ["processing", "processing"]
    good = upload(browser, export_id, f"reference,status,code\n{keys[0]},paid,\n{keys[1]},returned,R02\n")
    assert good.status_code == 303  # type: ignore[attr-defined]
    assert [status(payout_id) for payout_id in ids] == ["paid", "failed"]
    page = browser.get(f"/admin/exports/{export_id}").text
    assert "1 paid, 0 failed, 1 returned" in page
    assert "The account is closed." in browser.get(f"/admin/payouts/{ids[1]}").text


def test_an_answer_needs_a_file(browser: Browser, admin: Actor, checker: Actor, bank: Shop) -> None:
    export_id, _ids = frozen(bank, admin, checker)
    assert browser.post(f"/admin/exports/{export_id}/answer").status_code == 422


def test_a_person_settles_one_payout_by_hand(
    browser: Browser, second: Browser, admin: Actor, checker: Actor, bank: Shop
) -> None:
    export_id, ids = frozen(bank, admin, checker)
    second.post(f"/admin/exports/{export_id}/release")
    assert "Settle by hand" in browser.get(f"/admin/payouts/{ids[0]}").text
    path = f"/admin/payouts/{ids[0]}/settlement"
    assert browser.post(path, {"outcome": "paid", "note": ""}).status_code == 422
    browser.post(path, {"outcome": "paid", "note": "Statement 47, line 3"})
    assert status(ids[0]) == "paid"
    browser.post(path, {"outcome": "returned", "note": "Came back on Nov 24"})
    assert status(ids[0]) == "returned"
    page = browser.get(f"/admin/payouts/{ids[0]}").text
    assert "Statement 47, line 3" in page and "Came back on Nov 24" in page
    again = browser.post(path, {"outcome": "paid", "note": "again"})
    assert again.status_code == 409 and "past that already" in again.text


def test_checks_are_printed_with_their_letters(
    browser: Browser, second: Browser, admin: Actor, checker: Actor, paper: Shop
) -> None:
    export_id, _ids = frozen(paper, admin, checker)
    assert browser.post(f"/admin/exports/{export_id}/checks/1").status_code == 409
    second.post(f"/admin/exports/{export_id}/release")
    answer = browser.post(f"/admin/exports/{export_id}/checks/1")
    reader = PdfReader(io.BytesIO(answer.data))
    said = "".join(page.extract_text() for page in reader.pages)
    assert len(reader.pages) == 2 and "000001" in said and "1 High Street" in said and "100.01" in said
    assert audited("export.printed") == 1
    assert browser.post(f"/admin/exports/{export_id}/checks/2").status_code == 404
    assert browser.post(f"/admin/exports/{export_id}/file").status_code == 409  # checks are printed, not uploaded


def test_what_became_of_checks(browser: Browser, second: Browser, admin: Actor, checker: Actor, paper: Shop) -> None:
    export_id, ids = frozen(paper, admin, checker)
    path = f"/admin/exports/{export_id}/checks"
    first = {"id": str(ids[0]), "status": "mailed"}
    assert browser.post(path, first).status_code == 409  # not released yet
    second.post(f"/admin/exports/{export_id}/release")
    both = {"id": [str(i) for i in ids]}
    assert "What happened to 2 checks?" in browser.htmx("GET", f"{path}?id={ids[0]}&id={ids[1]}").text
    browser.post(path, {**both, "status": "mailed"})
    assert browser.get(f"/admin/exports/{export_id}").text.count("Mailed") == 2
    assert browser.post(path, {**first, "status": "cleared"}).status_code == 422  # how do you know?
    browser.post(path, {**first, "status": "cleared", "note": "Statement 9"})
    browser.post(path, {"id": str(ids[1]), "status": "stopped", "note": "Lost in the post"})
    assert [status(payout_id) for payout_id in ids] == ["paid", "failed"]
    refused = browser.post(path, {**both, "status": "mailed"})
    assert refused.status_code == 409 and "cannot become mailed" in refused.text
    browser.post(path, {**first, "status": "stopped", "note": "Forged"})
    assert status(ids[0]) == "returned"
    assert audited("check.stopped") == 2


def test_one_fate_fits_some_checks_only(
    browser: Browser, second: Browser, admin: Actor, checker: Actor, paper: Shop
) -> None:
    export_id, ids = frozen(paper, admin, checker)
    second.post(f"/admin/exports/{export_id}/release")
    path = f"/admin/exports/{export_id}/checks"
    browser.post(path, {"id": str(ids[0]), "status": "void", "note": "Spoilt"})
    answer = browser.post(path, {"id": [str(i) for i in ids], "status": "mailed"})
    assert answer.status_code == 200 and "1 check recorded" in answer.text and "This check is void now" in answer.text
