"""Importing a statement in the browser: upload, columns, preview, import; and who is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from app.db.session import unit_of_work
from app.identity.states import Portal
from app.reconciliation.statement_queries import statements
from jobs import runtime
from tests.app.reconciliation.test_camt import entry, statement
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.factories.statements import PLATFORM, house
from tests.portals.conftest import Browser

CSV = b"Date,Text,Reference,Amount,Balance\n2026-10-01,A,R-000001,10.00,110.00\n2026-10-02,B,R-000002,-4.00,106.00\n"


@pytest.fixture
def anna(sign_in: Callable[[Portal, str], Browser]) -> Browser:
    house()
    people.account(Portal.ADMIN, "anna@example.test")
    return sign_in(Portal.ADMIN, "anna@example.test")


def upload(browser: Browser, body: bytes, name: str = "bank.csv", **fields: str) -> str:
    sent = {"file": (io.BytesIO(body), name), "account": "bank", "currency": "GBP", **fields}
    answer = browser.post("/admin/statements/new", sent, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    return answer.location


def columns(**chosen: str) -> dict[str, str]:
    named = {"date": "Date", "description": "Text", "reference": "Reference", "amount": "Amount", "balance": "Balance"}
    return {"file_currency": "GBP", **{f"column_{name}": heading for name, heading in {**named, **chosen}.items()}}


def test_a_table_goes_by_its_columns_to_the_preview_and_in(anna: Browser) -> None:
    where = upload(anna, CSV)
    assert where.endswith("/columns")
    assert "Which column is which" in anna.get(where).text
    preview = anna.post(where, columns()).location
    seen = anna.get(preview).text
    assert "All lines are good and the balances agree" in seen and "Import 2 lines" in seen
    assert anna.post(f"{preview}/confirmation").location == preview
    assert "0 of 2 lines are read" in anna.get(preview).text
    runtime.run_due()
    assert "Matched by itself" in anna.get(preview).text
    assert "bank.csv" in anna.get("/admin/statements").text
    again = upload(anna, CSV, "again.csv")
    assert not again.endswith("/columns")  # these headings are known now
    assert "Every booking of this file is here already" in anna.get(again).text


def test_the_currency_is_that_of_the_last_file(anna: Browser) -> None:
    """Of the platform at first: not the first of the alphabet, which nobody would notice."""
    assert '<option selected value="GBP">' in anna.get("/admin/statements/new").text
    upload(anna, CSV, currency="EUR")
    assert '<option selected value="EUR">' in anna.get("/admin/statements/new").text


def test_lines_left_out_are_said_before_and_after(anna: Browser) -> None:
    bad = b"2026-13-03,C,R-000003,-6.00,100.00\n2026-10-04,D,R-000004,1.00,101.00\n"
    preview = anna.post(upload(anna, CSV + bad), columns()).location
    told = "Line 4 is left out; by the balances around it moved -6.00 GBP."
    assert told in anna.get(preview).text
    assert anna.post(f"{preview}/confirmation").status_code == 422
    anna.post(f"{preview}/confirmation", {"skip_faulty": "y"})
    runtime.run_due()
    seen = anna.get(preview).text
    assert told in seen and "Lines of the file were left out" in seen


def test_columns_that_cannot_be_are_said_beside_their_fields(anna: Browser) -> None:
    where = upload(anna, CSV)
    answer = anna.post(where, columns(amount="", balance="Nowhere"))
    assert answer.status_code == 422
    assert "The file has no column “Nowhere”" in answer.text
    answer = anna.post(where, columns(amount=""))
    assert answer.status_code == 422 and "Choose a column for: Amount, or Debit and Credit" in answer.text


def test_camt_goes_straight_to_the_preview(anna: Browser) -> None:
    where = upload(anna, statement(entry("12.50", "DBIT"), closing="987.50"), "october.xml")
    assert "the balances agree" in anna.get(where).text
    assert anna.get(f"{where}/columns").status_code == 303


def test_sums_that_do_not_agree_cannot_be_imported(anna: Browser) -> None:
    where = upload(anna, statement(entry("12.50", "DBIT"), closing="900.00"), "october.xml")
    assert "The sums do not agree" in anna.get(where).text
    assert anna.post(f"{where}/confirmation").status_code == 422


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"just a text", "Only one column"),
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "declares entities"),
        (b"<Document/>", "no camt.053 statement"),
    ],
)
def test_what_cannot_be_read_is_refused_at_the_field(anna: Browser, body: bytes, said: str) -> None:
    sent = {"file": (io.BytesIO(body), "a.xml"), "account": "bank", "currency": "GBP"}
    answer = anna.post("/admin/statements/new", sent, content_type="multipart/form-data")
    assert answer.status_code == 422 and said in answer.text
    with unit_of_work(PLATFORM) as session:
        assert not statements(session).items


def test_an_upload_can_be_given_up(anna: Browser, tmp_path: Path) -> None:
    where = upload(anna, CSV).removesuffix("/columns")
    assert anna.post(f"{where}/removal").status_code == 303
    assert anna.get(where).status_code == 404


def test_members_and_payees_are_refused(sign_in: Callable[[Portal, str], Browser], database_url: str) -> None:
    people.account(Portal.VENDOR, "vic@example.test", vendor(organization("oxford")))
    vic = sign_in(Portal.VENDOR, "vic@example.test")
    assert vic.get("/admin/statements").status_code == 404
