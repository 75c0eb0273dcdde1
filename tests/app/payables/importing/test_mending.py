"""Rows that were skipped come back, are mended in a spreadsheet, and import."""

from __future__ import annotations

import csv
import io
from datetime import date

from app.payables.importing import Bills, Choices, read_bills, skipped_csv

HEAD = "Trans No;Supplier Name;Paid Date;Amount;Note\r\n"


def cells(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def read(body: bytes, choices: Choices | None = None) -> Bills:
    return read_bills(body, choices or Choices(), currency="EUR")


def test_skipped_rows_keep_their_columns_and_say_the_problem() -> None:
    found = read((HEAD + "1;Café;31/01/2017;1.000,50;x\r\n2;Zoë;01/02/2017;2.000,50;" + "y" * 501).encode())
    head, row = cells(skipped_csv(found))
    assert head == ["Trans No", "Supplier Name", "Paid Date", "Amount", "Note", "Problem"]
    assert row == [
        "2",
        "Zoë",
        "2017-02-01",
        "2000.50",
        "y" * 501,
        "Note: It has 501 letters; at most 500 fit",
    ]


def test_a_mended_file_imports_even_alone() -> None:
    """Alone, 01/02/2017 and 2.000 would not tell how the whole file wrote them."""
    body = (HEAD + "1;A;01/31/2017;1.000,50;x\r\n2;;01/02/2017;2.000;=1+1\r\n3;C;99/99/2017;-3.000,25;z").encode()
    found = read(body)
    assert found.bad_lines == [3, 4]
    mended = skipped_csv(found).decode("utf-8-sig").replace("2,,", "2,B,").replace("99/99/2017", "28/02/2017")
    again = read(mended.encode())
    assert again.errors == []
    assert [(row.reference, row.billed_on, row.amount_minor, row.description) for row in again.rows] == [
        ("2", date(2017, 1, 2), 200000, "=1+1"),
        ("3", date(2017, 2, 28), -300025, "z"),
    ]
    assert "Problem" not in again.columns.unmapped


def test_a_second_round_has_one_problem_column() -> None:
    found = read((HEAD + "1;A;;0;x\r\n2;B;;5;y").encode())
    again = read(skipped_csv(found))
    assert cells(skipped_csv(again)) == cells(skipped_csv(found))


def test_rows_with_too_many_cells_lose_none() -> None:
    found = read((HEAD + "1;A;;5;x\r\n2;B;;6;y;;z").encode())
    assert cells(skipped_csv(found))[1][5:] == ["There are 7 cells under 5 headings; a cell with a semicolon needs "
                                                "quotation marks around it", "", "z"]  # fmt: skip


def test_what_a_spreadsheet_would_run_is_defused_and_comes_back() -> None:
    found = read((HEAD + '1;A;;0;"=HYPERLINK(""http://x"")"').encode())
    body = skipped_csv(found)
    assert b"'=HYPERLINK" in body
    assert read(body).table.rows[0][4] == '=HYPERLINK("http://x")'


def test_columns_of_one_name_keep_their_places() -> None:
    found = read(b"Ref,Supplier,Amount,Amount\n1,A,0,7\n")
    again = read(skipped_csv(found).replace(b"1,A,0", b"1,A,9"))
    assert again.table.headings == ("Ref", "Supplier", "Amount", "Amount (2)", "Problem")
    assert again.totals == {"EUR": 900}
