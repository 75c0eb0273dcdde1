"""Where suppliers are paid: fields for every rail, and never an account number in a message."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid, Refusal
from app.payables.importing import Choices, Destinations, RowError, read_destinations, supplier_key
from app.rails.base import Rail
from app.rails.registry import RAILS

EVERY = list(RAILS.values())
LIVE: list[Rail] = [rail for rail in EVERY if not rail.sandbox_only]


def read(text: str, rails: list[Rail] | None = None, **named: object) -> Destinations:
    return read_destinations(text.encode(), EVERY if rails is None else rails, **named)  # type: ignore[arg-type]


def test_every_rail_in_one_file() -> None:
    found = read(
        "supplier_reference,rail,account_holder,country,sort_code,account_number,iban,bic,"
        "payee_name,address_1,city,postal_code\n"
        "S1,bank_file,Acme Ltd,GB,20-00-00,55779911,,,,,,\n"
        "S2,bank_file,Zoë GmbH,,,,DE89 3704 0044 0532 0130 00,COBADEFFXXX,,,,\n"
        "S3,check,,GB,,,,,Run Jericho,1 High Street,Oxford,OX1 1AA\n"
        "S4,simulated,Anyone,,,12345678,,,,,,\n"
    )
    assert found.errors == [] and found.unmapped == () and found.read == 4
    assert [(row.supplier_key, row.rail) for row in found.rows] == [
        ("s1", "bank_file"),
        ("s2", "bank_file"),
        ("s3", "check"),
        ("s4", "simulated"),
    ]
    for row in found.rows:
        assert RAILS[row.rail].validate(row.fields)
    assert found.rows[0].fields["sort_code"] == "20-00-00"


@pytest.mark.parametrize(
    ("head", "cells", "rail", "fields"),
    [
        (
            "Vendor No;Bank Sort Code;Bank Account No;Account Name",
            "S1;20-00-00;55779911;Acme",
            "bank_file",
            {"sort_code": "20-00-00", "account_number": "55779911", "account_holder": "Acme"},
        ),
        (
            "Kreditorennummer;IBAN;SWIFT;Account holder",
            "S1;DE89370400440532013000;COBADEFF;Acme",
            "bank_file",
            {"iban": "DE89370400440532013000", "bic": "COBADEFF", "account_holder": "Acme"},
        ),
        (
            "Supplier ID;ABA Routing Number;Account Number;Account Type;Account Holder",
            "S1;110000000;000123456789;checking;Acme",
            "bank_file",
            {
                "routing_number": "110000000",
                "account_number": "000123456789",
                "account_type": "checking",
                "account_holder": "Acme",
            },
        ),
        (
            "Supplier ID;Name on cheque;Address line 1;Town;State;Zip;Country",
            "S1;Acme;1 Main Street;Springfield;IL;62701;US",
            "check",
            {
                "payee_name": "Acme",
                "address_1": "1 Main Street",
                "city": "Springfield",
                "region": "IL",
                "postal_code": "62701",
                "country": "US",
            },
        ),
    ],
)
def test_headings_of_many_programs_and_no_rail(head: str, cells: str, rail: str, fields: dict[str, str]) -> None:
    (row,) = read(f"{head}\n{cells}\n").rows
    assert (row.supplier_key, row.rail, dict(row.fields)) == ("s1", rail, fields)
    assert RAILS[rail].validate(row.fields)


@pytest.mark.parametrize(
    ("word", "rail"),
    [("BACS", "bank_file"), ("Bank-Transfer", "bank_file"), ("Cheque", "check"), ("sandbox", "simulated")]
    + [(one.label, one.name) for one in EVERY]
    + [(one.name.upper(), one.name) for one in EVERY],
)
def test_words_for_a_rail(word: str, rail: str) -> None:
    (row,) = read(f"supplier_reference,payment method\nS1,{word}\n").rows
    assert row.rail == rail


def test_suppliers_may_be_named_only() -> None:
    found = read("Supplier Name,Sort code,Account number\n Acme  LTD,200000,55779911\n")
    assert found.rows[0].supplier_key == supplier_key("", "Acme Ltd")


def test_the_default_rail_takes_rows_without_one() -> None:
    text = "supplier_reference,rail\nS1,\nS2,check\n"
    assert [row.rail for row in read(text, default_rail="simulated").rows] == ["simulated", "check"]
    found = read(text)
    assert [row.rail for row in found.rows] == ["check"]
    assert found.errors[0].line == 2 and "add a column" in found.errors[0].reason


def test_a_simulated_rail_is_never_guessed() -> None:
    found = read("supplier_reference,account_holder,account_number\nS1,Acme,12345678\n")
    assert found.rows[0].rail == "bank_file"


def test_what_is_not_offered_is_refused() -> None:
    found = read("supplier_reference,rail,account_number\nS1,simulated,12345678\n", LIVE)
    names = ", ".join(rail.name for rail in LIVE)
    assert "simulated" not in names
    assert found.errors == [RowError(2, "rail", f"This is no way to be paid; write one of {names}")]


def test_bad_rows_are_named_and_never_repeat_a_number() -> None:
    found = read(
        "supplier_reference,rail,sort_code,account_number,address_1\n"
        ",bank_file,200000,55779911,\n"
        "S2,bank_file,200000,5.5779911E+07,\n"
        "S3,bank_file,200000,55\x0779911,\n"
        "S4,check,200000,,1 High Street\n"
        "S5,55779911,200000,,\n"
        "S6,bank_file,200000,55779911,,55779911\n"
        "S7,,200000,,1 High Street\n"
    )
    assert found.rows == []
    assert [(error.line, error.column) for error in found.errors] == [
        (2, "supplier_reference"),
        (3, "account_number"),
        (4, "account_number"),
        (5, "sort_code"),
        (6, "rail"),
        (7, ""),
        (8, "rail"),
    ]
    assert not any("55779911" in error.reason or "200000" in error.reason for error in found.errors)
    assert "spreadsheet has shortened" in found.errors[1].reason


def test_two_destinations_of_one_supplier_are_both_errors() -> None:
    found = read(
        "supplier_reference,sort_code,account_number\nS1,200000,55779911\ns1,200000,11111111\nS2,200000,55779911\n"
        "S2,200000,55779911\n"
    )
    assert [row.supplier_key for row in found.rows] == ["s2"]
    reason = "This supplier has different destinations on lines 2, 3"
    assert found.errors == [RowError(2, "supplier_reference", reason), RowError(3, "supplier_reference", reason)]
    assert found.notes == ["Rows that say the same as an earlier row: 1."]


def test_columns_can_be_chosen() -> None:
    chosen = Choices(columns={"supplier_reference": "Who", "account_number": "Where", "sort_code": "Which"})
    (row,) = read("Who,Which,Where,sort code\nS1,200000,55779911,x\n", choices=chosen).rows
    assert dict(row.fields) == {"sort_code": "200000", "account_number": "55779911"}
    for columns, sentence in (({"nope": "Who"}, "not a field"), ({"iban": "Nope"}, "no column")):
        with pytest.raises(Invalid, match=sentence):
            read("supplier_reference,rail\nS1,check\n", choices=Choices(columns=columns))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sort_code,account_number\n200000,55779911\n", "No column names the supplier"),
        ("supplier_reference,supplier_name\nS1,Acme\n", "No column says how"),
        ("", "empty"),
    ],
)
def test_files_that_cannot_be(text: str, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        read(text)


def test_nothing_secret_is_in_the_representation() -> None:
    found = read("supplier_reference,sort_code,account_number\nS1,200000,55779911\n")
    assert "55779911" not in repr(found) and "55779911" not in repr(found.rows)
