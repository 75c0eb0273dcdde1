"""Rows become bills; every row that cannot is named with line, column and reason."""

from __future__ import annotations

from datetime import date

import pytest

from app.core.errors import Invalid
from app.payables.importing import Bills, Choices, RowError, Supplier, read_bills
from tests.app.payables.importing.writing import bills

GOOD = "T1,S1,Acme Ltd,18/07/2017,198.35,Paper"
HEAD = "Trans No,Supplier ID,Supplier Name,Paid Date,Amount,Description"


def read(*rows: str, head: str = HEAD, currency: str = "GBP", **chosen: object) -> Bills:
    return read_bills(bills(*rows, head=head), Choices(**chosen), currency=currency)  # type: ignore[arg-type]


def test_a_good_row() -> None:
    found = read(" T1 , S1 ,  Acme   Ltd ,18/07/2017, 198.35 ,Paper")
    (row,) = found.rows
    assert row == (2, "T1", "s1", "S1", "Acme Ltd", 19835, "GBP", date(2017, 7, 18), None, "", "Paper", "", None)
    assert (found.read, found.credits, found.totals, found.errors) == (1, 0, {"GBP": 19835}, [])
    assert found.suppliers == [Supplier("s1", "S1", "Acme Ltd", 1, 0, {"GBP": 19835})]


def test_all_fields() -> None:
    head = "Ref,Supplier,Amount,Currency,Invoice Date,Due Date,Invoice No,Description,Category"
    (row,) = read("R,Acme,5,eur,2017-07-01,2017-07-31,I-9,Text,Cat", head=head).rows
    assert row == (
        2,
        "R",
        "name:acme",
        "",
        "Acme",
        500,
        "EUR",
        date(2017, 7, 1),
        date(2017, 7, 31),
        "I-9",
        "Text",
        "Cat",
        None,
    )


def test_terms_count_where_no_due_date_is_named() -> None:
    head = "Ref,Supplier,Amount,Invoice Date,Due Date,Payment Terms"
    rows = ("A,Acme,5,2017-07-01,,Net 45", "B,Acme,5,2017-07-01,2017-07-31,net_45", "C,Acme,5,2017-07-01,,")
    found = read(*rows, "D,Acme,5,2017-07-01,,2/10 net 30", head=head)
    assert [row.terms_days for row in found.rows] == [45, 45, None]
    (error,) = found.errors
    assert (error.line, error.column) == (5, "Payment Terms") and "is not payment terms" in error.reason


def test_negative_lines_are_credits() -> None:
    found = read(GOOD, "T2,S1,Acme Ltd,18/07/2017,(98.35),Back", "T3,S1,Acme Ltd,18/07/2017,-100.00,Back")
    assert found.credits == 2
    assert found.totals == {"GBP": 0}
    assert found.suppliers[0].bills == 3 and found.suppliers[0].credits == 2
    assert any("credits outweigh" in note for note in found.notes)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("T2,S1,Acme,18/07/2017,0,x", "Amount", "The amount is zero"),
        ("T2,S1,Acme,18/07/2017,-0.00,x", "Amount", "The amount is zero"),
        ("T2,S1,Acme,18/07/2017,,x", "Amount", "The amount is missing"),
        ("T2,S1,Acme,18/07/2017,-,x", "Amount", "The amount is missing"),
        ("T2,S1,Acme,18/07/2017,1.005,x", "Amount", "“1.005”: GBP has 2 decimal places"),
        ("T2,S1,Acme,18/07/2017,999999999999999,x", "Amount", "“999999999999999” is too large for a bill"),
        ("T2,S1,Acme,18/07/2017,lots,x", "Amount", "“lots” is not an amount"),
        ("T2,S1,Acme,31/06/2017,5,x", "Paid Date", "“31/06/2017” is no day of the calendar, read as DD/MM/YYYY"),
        ("T2,S1,Acme,soon,5,x", "Paid Date", "“soon” is not a date written like DD/MM/YYYY"),
        (",S1,Acme,18/07/2017,5,x", "Trans No", "The reference is missing"),
        ("T2,,,18/07/2017,5,x", "Supplier Name", "There is neither a supplier name nor a supplier reference"),
        ("T2,S1,Ac\x07me,18/07/2017,5,x", "Supplier Name", "There is an invisible letter (U+0007)"),
        ("T2,S1,Ac\u202eme,18/07/2017,5,x", "Supplier Name", "There is an invisible letter (U+202E)"),
        ("T\u200b2,S1,Acme,18/07/2017,5,x", "Trans No", "There is an invisible letter (U+200B)"),
        ('"T\n2",S1,Acme,18/07/2017,5,x', "Trans No", "There is a line break in it"),
        (f"{'T' * 101},S1,Acme,18/07/2017,5,x", "Trans No", "It has 101 letters; at most 100 fit"),
        (f"T2,S1,{'A' * 201},18/07/2017,5,x", "Supplier Name", "It has 201 letters; at most 200 fit"),
        (f"T2,S1,Acme,18/07/2017,5,{'x' * 1234}", "Description", "It has 1,234 letters; at most 500 fit"),
        (
            "T2,S1,Acme, Inc,18/07/2017,5,x",
            "",
            "There are 7 cells under 6 headings; a cell with a comma needs quotation marks around it",
        ),
        (
            "1.03899E+06,S1,Acme,18/07/2017,5,x",
            "Trans No",
            "A spreadsheet has shortened this number; format the column as text and export again",
        ),
        ("T2,S1,Acme,18/07/2017,€5,x", "Amount", "“€5” is not in GBP"),
    ],
)
def test_one_bad_row(row: str, column: str, reason: str) -> None:
    found = read(GOOD, row)
    assert RowError(3, column, reason) in found.errors
    assert found.bad_lines == [3]
    assert [good.reference for good in found.rows] == ["T1"]
    assert found.read == 2


def test_every_fault_of_a_row_is_named_in_its_line() -> None:
    found = read(GOOD, "", ",,,soon,none,x", '"T3",S1,"Ac\nme",18/07/2017,5,"a\nb"', "T4,S1,Acme,18/07/2017,0,x")
    assert [(error.line, error.column) for error in found.errors] == [
        (4, "Trans No"),
        (4, "Amount"),
        (4, "Paid Date"),
        (4, "Supplier Name"),
        (8, "Amount"),
    ]
    assert found.rows[1].line == 5 and found.rows[1].description == "a b"
    assert found.read == 4 and len(found.rows) + len(found.bad_lines) == 4


def test_a_refused_name_is_one_error_not_two() -> None:
    found = read(GOOD, "T2,,Ac\x07me,18/07/2017,5,x")
    assert [error.column for error in found.errors] == ["Supplier Name"]


def test_empty_dates_are_allowed() -> None:
    assert read(GOOD, "T2,S1,Acme,,5,x").rows[1].billed_on is None


def test_without_supplier_references_the_name_is_the_key() -> None:
    found = read("T1,Acme Ltd,5", "T2, ACME  ltd,6", "T3,Zoë,7", "T4,Zoe\u0308,8", head="Ref,Supplier,Amount")
    assert [supplier.key for supplier in found.suppliers] == ["name:acme ltd", "name:zoë"]
    assert {row.supplier_name for row in found.rows} == {"Acme Ltd", "Zoë"}
    assert [supplier.bills for supplier in found.suppliers] == [2, 2]


def test_an_empty_name_borrows_that_of_its_reference() -> None:
    found = read("T1,S1,,18/07/2017,5,x", "T2,S1,Acme,18/07/2017,5,x", "T3,S2,,18/07/2017,5,x")
    assert [row.supplier_name for row in found.rows] == ["Acme", "Acme", "S2"]
    assert found.errors == [] and "Suppliers without a name, for which the reference stands in: 1." in found.notes


def test_the_most_frequent_name_of_a_reference_stays() -> None:
    found = read("T1,S1,Acme,,5,x", "T2,S1,Acme Ltd,,5,x", "T3,S1,Acme Ltd,,5,x", "T4,S1,ACME LTD,,5,x")
    assert {row.supplier_name for row in found.rows} == {"Acme Ltd"}
    assert found.errors == []
    assert "Supplier s1 is called “Acme Ltd”, on other lines “Acme”, “ACME LTD”." in found.notes


def test_one_name_under_two_references_stays_two_suppliers() -> None:
    found = read("T1,S1,Acme,,5,x", "T2,S2,Acme,,5,x", "T3,,Acme,,5,x")
    assert len(found.suppliers) == 3
    assert any("stands under 3 supplier references (S1, S2, none)" in note for note in found.notes)


def test_hidden_names_and_lost_letters_are_noted() -> None:
    found = read("T1,REDACTED PERSONAL DATA,5", "T2,Caf\ufffd,5", head="Ref,Supplier,Amount")
    assert any("hidden name" in note for note in found.notes)
    assert any("lost letters" in note for note in found.notes)


def test_the_same_line_twice_counts_once() -> None:
    found = read(GOOD, "T2,S1,Acme Ltd,18/07/2017,5,x", GOOD.replace("Acme Ltd", "ACME LTD"))
    assert found.errors == []
    assert [(again.line, again.first_line, again.reference) for again in found.repeats] == [(4, 2, "T1")]
    assert found.totals == {"GBP": 20335} and found.read == 3
    assert "Lines that repeat an earlier line exactly and count once: 1." in found.notes


def test_a_reference_used_for_two_bills_is_an_error_of_the_second() -> None:
    found = read(GOOD, "T1,S2,Other,18/07/2017,5,Paper")
    reason = "“T1” is the reference of line 2 already, with another supplier and amount"
    assert found.errors == [RowError(3, "Trans No", reason)]
    assert [row.line for row in found.rows] == [2]


def test_a_joined_reference_tells_them_apart() -> None:
    head = "Vendor,Vendor Name,Invoice No,Amount"
    rows = ("S1,Acme,1001,5", "S2,Other,1001,6", "S3,Third,,7")
    found = read(*rows, head=head, columns={"reference": "Vendor + Invoice No"})
    assert [row.reference for row in found.rows] == ["S1/1001", "S2/1001"]
    assert found.errors == [RowError(4, "Invoice No", "The reference is missing")]
    assert len(read(*rows, head=head).errors) == 2


def test_currency_of_the_row_else_of_the_file() -> None:
    head = "Ref,Supplier,Amount,Currency"
    found = read("1,A,5.00,USD", "2,A,$6.00,usd", "3,A,7.00,", "4,A,8.00,€", "5,A,9.00,XYZ", "6,A,9.50,JPY", head=head)
    assert found.totals == {"USD": 1100, "GBP": 700, "EUR": 800}
    assert found.suppliers[0].totals == found.totals
    assert found.errors == [
        RowError(6, "Currency", "“XYZ” is not a currency Quittance knows"),
        RowError(7, "Amount", "“9.50”: JPY has 0 decimal places"),
    ]
    with pytest.raises(Invalid, match="not a currency"):
        read(GOOD, currency="XYZ")


def test_the_styles_can_be_chosen() -> None:
    rows = ("T1,S1,Acme,01/07/2017,1.234,x", "T2,S1,Acme,02/07/2017,950,x")
    doubtful = read(*rows)
    assert [(error.line, error.column) for error in doubtful.errors] == [(2, "Amount")]
    chosen = read(*rows, amounts="1.234,56", dates="MM/DD/YYYY")
    assert chosen.rows[0].amount_minor == 123400 and chosen.rows[0].billed_on == date(2017, 1, 7)
    assert ("Dates written as", "MM/DD/YYYY (as chosen)") in chosen.facts()


def test_semicolons_speak_for_decimal_commas() -> None:
    body = b"Ref;Supplier;Amount\n1;A;1.234\n2;B;950\n"
    assert read_bills(body, currency="EUR").totals == {"EUR": 218400}


def test_due_dates_help_to_read_dates() -> None:
    head = "Ref,Supplier,Amount,Invoice Date,Due Date"
    (row,) = read("1,A,5,07/01/2017,07/31/2017", head=head).rows
    assert (row.billed_on, row.due_on) == (date(2017, 7, 1), date(2017, 7, 31))


def test_the_files_own_total_is_no_bill() -> None:
    rows = ("T1,S1,Acme,,100.00,x", "T2,S1,Acme,,23.45,x")
    for total in ("Total,,,,123.45,", ",,,,123.45,", ",,Grand Total:,,£123.45,"):
        found = read(*rows, "", total)
        assert (found.read, found.errors, found.totals) == (2, [], {"GBP": 12345})
        assert any("line 5" in note.lower() and "agrees with" in note for note in found.notes)
    wrong = read(*rows, "Total,,,,99.00,")
    assert wrong.read == 2 and any("differs" in note for note in wrong.notes)
    nameless = read(*rows, ",,,,99.00,")
    assert nameless.read == 3 and nameless.bad_lines == [4]


def test_a_remark_at_the_end_is_no_bill() -> None:
    found = read(GOOD, "Contains public sector information,,,,,")
    assert found.read == 1 and found.errors == []
    assert any("remark" in note for note in found.notes)
    assert read(GOOD, "T2,,,,,").read == 2


def test_a_supplier_called_total_is_a_supplier() -> None:
    found = read(GOOD, "T2,S2,TOTAL GAS & POWER LTD,18/07/2017,5,x", "T3,S2,Total,18/07/2017,5,x")
    assert len(found.rows) == 3


def test_rows_swallowed_by_a_stray_quotation_mark_are_found() -> None:
    found = read(GOOD, 'T2,S1,"Acme,,5,x', "T3,S1,Acme,,5,x", 'T4,S1,Acme",,5,x', "T5,S1,Acme,,5,x")
    assert RowError(3, "Supplier Name", "It holds whole rows; a quotation mark is missing or too many") in found.errors
    assert [row.reference for row in found.rows] == ["T1", "T5"]
    irregular = read(GOOD, 'T2,S1,"Acme,,5,x', 'T3,S1,"Acme,,5,x', "T4,S1,Acme,,5,x")
    assert irregular.bad_lines == [3] and irregular.read == 3
    talkative = read(GOOD, 'T2,S1,Acme,,5,"one, two\nthree, four, five, six, seven, eight"')
    assert talkative.errors == []


def test_missing_columns_are_refused_before_any_row() -> None:
    with pytest.raises(Invalid, match="No column was found for: Amount"):
        read("1,A,x", head="Ref,Supplier,Description")


def test_unusual_headings_by_hand() -> None:
    body = b"Quarterly list,,\nWho,What they got,Key\nAcme,5.00,K1\n"
    chosen = Choices(columns={"supplier_name": "Who", "amount": "What they got", "reference": "Key"})
    found = read_bills(body, chosen, currency="GBP")
    assert found.rows[0][1:6] == ("K1", "name:acme", "", "Acme", 500)


def test_the_facts_say_how_the_file_was_understood() -> None:
    assert read(GOOD).facts() == [
        ("Encoding", "UTF-8"),
        ("Columns separated by", "comma"),
        ("Quotation marks", "none"),
        ("Line endings", "LF (Unix)"),
        ("Headings on line", "1"),
        ("Amounts written as", "1,234.56"),
        ("Dates written as", "DD/MM/YYYY"),
        ("Currency", "GBP"),
        ("Rows", "1"),
    ]


def test_nothing_of_the_rows_is_in_the_representation() -> None:
    assert "Acme" not in repr(read(GOOD))
