"""A file becomes bills: upload, columns, preview, import; with faults, twice, and with what is no table at all."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from app.core.clock import today
from app.payables.importing import Choices
from jobs import payables as jobs
from portals.org import imports as pages
from tests.app.payables.importing.test_oxford import SAMPLE
from tests.factories import payables
from tests.portals.org.conftest import BILLS, House, upload

GOOD = payables.csv(
    "T1,S-1,SMS Connections Ltd,198.35,01/08/2017",
    "T2,S-2,Acorn Trees,6203.92,18/07/2017",
    "T3,S-1,SMS Connections Ltd,-50.00,19/07/2017",
    "T4,S-2,Acorn Trees,12.00,",
)
BAD = payables.csv("T1,S-1,SMS Connections Ltd,198.35,01/08/2017", "T2,S-2,Acorn Trees,abc,18/07/2017", "T3,,,5,1/8/17")


def uploaded(house: House, body: bytes, name: str = "bills.csv", **fields: str) -> str:
    """The address of the mapping step."""
    answer = house.browser.post("/org/oxford/imports/new", upload(body, name, **{"currency": "GBP", **fields}))
    assert answer.status_code == 303, answer.text
    assert answer.location.endswith("/columns")
    return answer.location


def mapped(house: House, columns: str, **changes: str) -> TestResponse:
    """Send the mapping form as the page shows it, with some fields changed."""
    return house.browser.post(columns, {**selected(house.browser.get(columns).text), **changes})


def selected(html: str) -> dict[str, str]:
    """What the selects of a page show."""
    found = {}
    for select in re.finditer(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        option = re.search(r'<option selected value="([^"]*)"', select[2])
        found[select[1]] = option[1].replace("&amp;", "&") if option else ""
    return found


def previewed(house: House, body: bytes, **changes: str) -> str:
    """The address of the import, after the mapping step."""
    columns = uploaded(house, body)
    answer = mapped(house, columns, **changes)
    assert answer.status_code == 303 and answer.location.endswith("/preview"), answer.text
    return columns.removesuffix("/columns")


def test_from_the_file_to_the_bills(house: House) -> None:
    base = previewed(house, GOOD)
    preview = house.browser.get(f"{base}/preview").text
    for said in (
        "£6,364",
        "1 credit nets",
        "2 new, 0 known",
        "of 4 lines read, 0 there already",
        "All lines are good",
        "DD/MM/YYYY",
    ):
        assert said in preview, said
    assert house.bills() == {}
    done = house.browser.post(f"{base}/confirmation")
    assert done.status_code == 303 and done.location == base
    page = house.browser.get(base).text
    assert "4 bills imported" in page and "Show its bills" in page
    bills = house.bills()
    assert bills["T3"].amount_minor == -5000 and bills["T4"].invoice_on == today()
    import_id = base.rsplit("/", 1)[1]
    listed = house.browser.get(f"/org/oxford/bills?status=all&import={import_id}").text
    assert "4 shown" in listed and "Imported, line 2" in house.browser.get(f"/org/oxford/bills/{bills['T1'].id}").text
    assert "bills.csv" in house.browser.get("/org/oxford/imports").text
    assert "bills.csv" in house.browser.get("/org/oxford/").text


def test_the_mapping_step_shows_what_was_found(house: House) -> None:
    body = "TransNo;Vendor;Brutto;Datum;Dept\r\n7;Søn & Co;1.234,56;31.12.2017;Parks\r\n".encode("cp1252")
    columns = uploaded(house, body)
    page = house.browser.get(columns).text
    chosen = selected(page)
    assert chosen["reference"] == "TransNo" and chosen["supplier_name"] == "Vendor" and chosen["amount"] == "Brutto"
    for said in ("Windows-1252", "semicolon", "1.234,56", "Søn &amp; Co", "Not in the file"):
        assert said in page, said
    answer = mapped(house, columns, category="", description="Dept")
    assert answer.location.endswith("/preview")
    preview = house.browser.get(answer.location).text
    assert "£1,234" in preview and ".56" in preview
    house.browser.post(f"{columns.removesuffix('/columns')}/confirmation")
    assert house.bills()["7"].description == "Parks"


def test_columns_nobody_can_guess_are_asked_for(house: House) -> None:
    columns = uploaded(house, b"Alpha,Beta,Gamma\r\nA1,Acorn,12.00\r\n")
    page = house.browser.get(columns)
    assert page.status_code == 200 and "Choose a column for:" in page.text
    missing = house.browser.post(columns, {"reference": "Alpha", "default_currency": "GBP"})
    assert missing.status_code == 422 and "Choose a column." in missing.text
    twice = house.browser.post(
        columns, {"reference": "Alpha", "supplier_name": "Alpha", "amount": "Gamma", "default_currency": "GBP"}
    )
    assert twice.status_code == 422 and "This column is chosen already." in twice.text
    unknown = house.browser.post(
        columns, {"reference": "Omega", "supplier_name": "Beta", "amount": "Gamma", "default_currency": "GBP"}
    )
    assert unknown.status_code == 422 and "There is no column “Omega”" in unknown.text
    good = house.browser.post(
        columns, {"reference": "Alpha", "supplier_name": "Beta", "amount": "Gamma", "default_currency": "EUR"}
    )
    assert good.status_code == 303
    house.browser.post(f"{columns.removesuffix('/columns')}/confirmation")
    assert house.bills()["A1"].currency == "EUR"


def test_a_file_is_read_again_as_the_person_says(house: House) -> None:
    body = b"Reference,Supplier,Amount,Date\r\nR1,Acorn,5.00,05/06/2017\r\n"
    columns = uploaded(house, body)
    assert "DD/MM/YYYY" in house.browser.get(columns).text
    again = mapped(house, columns, dates="MM/DD/YYYY", again="1")
    assert again.status_code == 303 and again.location == columns
    assert "MM/DD/YYYY (as chosen)" in house.browser.get(columns).text
    other = house.browser.post(
        columns, {**selected(house.browser.get(columns).text), "encoding": "utf-16", "again": "1"}
    )
    assert other.status_code == 422  # the same page, with the reason at its field
    assert "Encoding" in other.text and "Reference" in other.text
    assert mapped(house, columns, dates="MM/DD/YYYY").location.endswith("/preview")
    house.browser.post(f"{columns.removesuffix('/columns')}/confirmation")
    assert str(house.bills()["R1"].invoice_on) == "2017-05-06"


def test_faulty_lines_stop_everything_until_they_are_left_out(house: House) -> None:
    base = previewed(house, BAD)
    preview = house.browser.get(f"{base}/preview").text
    assert "2 lines cannot be imported as they are" in preview
    assert ">3</td>" in preview and "Amount" in preview and "There is neither a supplier name" in preview
    refused = house.browser.post(f"{base}/confirmation")
    assert refused.status_code == 422 and "Tick this, or mend the lines" in refused.text
    assert house.bills() == {} and house.payees() == {}
    mend = house.browser.get(f"{base}/skipped.csv")
    rows = list(csv.reader(io.StringIO(mend.data.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["T2", "T3"] and rows[0][-1] == "Problem"
    assert "filename=bills-to-mend.csv" in mend.headers["Content-Disposition"].replace('"', "")
    done = house.browser.post(f"{base}/confirmation", {"skip_bad": "y"})
    assert done.status_code == 303
    assert list(house.bills()) == ["T1"]
    page = house.browser.get(base).text
    assert "Skipped lines" in page and "There is neither a supplier name" in page
    again = house.browser.get(f"{base}/skipped.csv")
    assert len(list(csv.reader(io.StringIO(again.data.decode("utf-8-sig"))))) == 3


def test_mended_rows_come_back(house: House) -> None:
    base = previewed(house, BAD)
    house.browser.post(f"{base}/confirmation", {"skip_bad": "y"})
    mend = house.browser.get(f"{base}/skipped.csv").data.decode("utf-8-sig")
    mended = mend.replace("abc", "20.00").replace("T3,,,", "T3,S-3,Third,")
    second = previewed(house, mended.encode())
    house.browser.post(f"{second}/confirmation")
    assert sorted(house.bills()) == ["T1", "T2", "T3"]


def test_the_same_file_again_adds_nothing(house: House) -> None:
    for _time in range(2):
        base = previewed(house, GOOD)
        house.browser.post(f"{base}/confirmation")
    page = house.browser.get(base).text
    assert "0 bills imported" in page and "4 were there before" in page
    assert len(house.bills()) == 4 and len(house.payees()) == 2
    third = previewed(house, GOOD)
    assert "Every bill of this file is here already" in house.browser.get(f"{third}/preview").text


def test_a_reference_of_another_bill_is_a_fault(house: House) -> None:
    house.imported(BILLS)
    base = previewed(
        house, payables.csv("T1,S-1,SMS Connections Ltd,200.00,01/08/2017", "T2,S-1,SMS,6203.92,18/07/2017")
    )
    preview = house.browser.get(f"{base}/preview").text
    assert "“T1” was imported before, for another amount (£198.35 GBP)" in preview
    assert "“T2” was imported before, of another supplier (Acorn Trees)" in preview
    assert house.browser.post(f"{base}/confirmation").status_code == 422


def test_confirming_twice_imports_once(house: House) -> None:
    base = previewed(house, GOOD)
    first, second = house.browser.post(f"{base}/confirmation"), house.browser.post(f"{base}/confirmation")
    assert first.location == second.location == base
    assert "This file is imported already" in house.browser.get(base).text
    for step in ("columns", "preview"):
        assert house.browser.get(f"{base}/{step}").location == base


def test_an_upload_is_given_up(house: House) -> None:
    columns = uploaded(house, GOOD)
    base = columns.removesuffix("/columns")
    assert "1 file is uploaded and not imported" in house.browser.get("/org/oxford/").text
    assert house.browser.post(f"{base}/removal").status_code == 303
    assert house.browser.get(base).status_code == 404
    done = previewed(house, GOOD)
    house.browser.post(f"{done}/confirmation")
    assert house.browser.post(f"{done}/removal").status_code == 409


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        (b"", "bills.csv", "The file is empty."),
        (b"\x00\x01\x02\x03" * 200, "bills.csv", "not a text file"),
        (b"PK\x03\x04....xl/workbook.xml", "bills.xlsx", "This is an Excel workbook"),
        (b"%PDF-1.7 ...", "bills.csv", "This is a PDF"),
        (b"<!doctype html><html><body>x</body></html>", "bills.csv", "This is a web page or XML"),
        (b'{"a": 1}', "bills.csv", "This is JSON"),
        (b"just some words without any structure", "notes.txt", "Only one column was found"),
        (b"Reference,Amount\r\n", "bills.csv", "no rows below"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(house: House, body: bytes, name: str, said: str) -> None:
    answer = house.browser.post("/org/oxford/imports/new", upload(body, name, currency="GBP"))
    assert answer.status_code == 422 and said in answer.text, answer.text
    assert "Nothing imported yet" in house.browser.get("/org/oxford/imports").text


def test_no_file_and_an_unknown_currency(house: House) -> None:
    assert "Choose a file." in house.browser.post("/org/oxford/imports/new", {"currency": "GBP"}).text
    wrong = house.browser.post("/org/oxford/imports/new", upload(GOOD, currency="XXX"))
    assert wrong.status_code == 422


def test_hostile_cells_stay_text(house: House) -> None:
    body = payables.csv('T1,S-1,"<script>alert(1)</script>",5.00,01/08/2017')
    base = previewed(house, body)
    for page in (f"{base}/columns", f"{base}/preview"):
        text = house.browser.get(page).text
        assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text
    house.browser.post(f"{base}/confirmation")
    assert "<script>alert" not in house.browser.get("/org/oxford/bills").text


def test_a_large_file_is_left_to_a_job(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "AT_ONCE", 3)
    base = previewed(house, GOOD)
    assert "imported in the background" in house.browser.get(f"{base}/preview").text
    assert house.browser.post(f"{base}/confirmation").status_code == 303
    running = house.browser.get(base).text
    assert "The bills are being imported" in running and 'hx-trigger="every 2s"' in running
    assert house.bills() == {}
    jobs.import_bills(base.rsplit("/", 1)[1], str(house.organization_id))
    assert len(house.bills()) == 4
    assert house.browser.htmx("GET", base).headers["HX-Redirect"] == base
    done = house.browser.get(base).text
    assert "hx-trigger" not in done and "of 4 lines read" in done


def test_mapping_choices_are_kept(house: House) -> None:
    base = previewed(house, GOOD, due_date="Date", date="")
    page = house.browser.get(f"{base}/columns").text
    assert selected(page)["due_date"] == "Date" and selected(page)["date"] == ""
    assert Choices().columns == {}


@pytest.mark.samples
def test_the_oxford_quarter(house: House) -> None:
    if not Path(SAMPLE).exists():
        pytest.skip(f"SAMPLE MISSING: {SAMPLE}; the Oxford quarter was not imported through the pages")
    body = Path(SAMPLE).read_bytes()
    base = previewed(house, body)
    preview = house.browser.get(f"{base}/preview").text
    for said in ("£11,344,005", "10 credits net", "644 new, 0 known", "of 3,259 lines read"):
        assert said in preview, said
    assert house.browser.post(f"{base}/confirmation").status_code == 303
    page = house.browser.get(base).text
    assert "3,259 bills imported" in page and "644 new payees" in page and "£11,344,005.35" in page
    second = previewed(house, body)
    house.browser.post(f"{second}/confirmation")
    assert "3,259 were there before" in house.browser.get(second).text
