"""Headings of many programs find their field; a person's choice wins."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid
from app.core.tables.headings import canonical
from app.payables.importing.columns import BillField, is_known, match, parse_overrides


@pytest.mark.parametrize(
    "heading",
    ["Trans No", "TransNo", "TRANS_NO", "trans no.", "Transaction Number", "Trans No (unique)", "Txn #", "transno"],
)
def test_spellings_meet(heading: str) -> None:
    assert canonical(heading) == "transaction number"


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Amount (£)", "amount"),
        ("Amount GBP", "amount"),
        ("AMOUNT_EUR", "amount"),
        ("(£)", "£"),
        ("VATAmount", "vat amount"),
        ("Date of Payment", "date payment"),
        ("Lieferantennummer", "supplier number"),
        ("", ""),
        ("£", ""),
    ],
)
def test_what_does_not_matter_goes(heading: str, words: str) -> None:
    assert canonical(heading) == words.replace("£", "")


OXFORD = "Client,Service Area,Expenditure Code,Paid Date,Trans No,Amount,Type of Expenditure,Supplier ID,Supplier Name"
SHAPES = {
    OXFORD: "reference=Trans No;supplier_reference=Supplier ID;supplier_name=Supplier Name;amount=Amount;"
    "date=Paid Date;description=Type of Expenditure;category=Service Area",
    "Body Name,Date,Transaction Number,Amount (£),Supplier Name,Purpose,Department": "reference=Transaction Number;"
    "supplier_name=Supplier Name;amount=Amount (£);date=Date;description=Purpose;category=Department",
    "Vendor,Vendor Name,Invoice No,Invoice Date,Due Date,Amount,Curr": "reference=Invoice No;supplier_reference=Vendor;"
    "supplier_name=Vendor Name;amount=Amount;date=Invoice Date;due_date=Due Date;currency=Curr",
    "VoucherNbr,VendorID,VendorName,InvoiceNbr,InvoiceDate,DueDate,GrossAmt,Currency,Memo": "reference=VoucherNbr;"
    "supplier_reference=VendorID;supplier_name=VendorName;invoice_number=InvoiceNbr;date=InvoiceDate;due_date=DueDate;"
    "amount=GrossAmt;currency=Currency;description=Memo",
    "Belegnummer;Kreditorennummer;Lieferantenname;Rechnungsdatum;Fälligkeitsdatum;Betrag;Währung;Buchungstext": (
        "reference=Belegnummer;supplier_reference=Kreditorennummer;supplier_name=Lieferantenname;date=Rechnungsdatum;"
        "due_date=Fälligkeitsdatum;amount=Betrag;currency=Währung;description=Buchungstext"
    ),
    "Payment Ref,Payee,Net Amount,VAT,Gross Amount,Payment Date,Cost Centre,Narrative": "reference=Payment Ref;"
    "supplier_name=Payee;amount=Gross Amount;date=Payment Date;category=Cost Centre;description=Narrative",
    "Document Number,Creditor No,Creditor,Value,Posting Date,GL Account": "reference=Document Number;"
    "supplier_reference=Creditor No;supplier_name=Creditor;amount=Value;date=Posting Date;category=GL Account",
    "bill_id,supplier,amount_usd,bill_date,description": "reference=bill_id;supplier_name=supplier;amount=amount_usd;"
    "date=bill_date;description=description",
}


@pytest.mark.parametrize("headings", SHAPES, ids=lambda text: text[:30])
def test_headings_of_many_programs(headings: str) -> None:
    split = headings.split(";" if ";" in headings else ",")
    found = match(split)
    wanted = dict(pair.split("=", 1) for pair in SHAPES[headings].split(";"))
    assert {name: heading for name, heading in found.choices().items() if heading} == wanted
    assert not found.missing
    assert set(found.unmapped) == set(split) - set(wanted.values())


def test_what_else_would_fit_is_told() -> None:
    found = match(["Ref", "Supplier", "Net Amount", "Gross Amount"])
    assert found.others == {BillField.AMOUNT: ("Net Amount",)}


def test_missing_columns_are_named() -> None:
    found = match(["Foo", "Bar"])
    assert found.missing == ("Reference", "Supplier name or reference", "Amount")
    with pytest.raises(Invalid, match="Reference, Supplier name or reference, Amount") as caught:
        found.require()
    assert set(caught.value.fields) == {"reference", "supplier_name", "amount"}
    assert match(["Trans No", "Supplier ID", "Amount"]).missing == ()


def test_overrides_win() -> None:
    headings = OXFORD.split(",")
    found = match(headings, parse_overrides(["category=Expenditure Code", "description=", "supplier=supplier name"]))
    assert found.heading(BillField.CATEGORY) == "Expenditure Code"
    assert found.heading(BillField.DESCRIPTION) == ""
    assert found.heading(BillField.SUPPLIER_NAME) == "Supplier Name"
    assert found.heading(BillField.REFERENCE) == "Trans No"
    assert {"Service Area", "Type of Expenditure"} <= set(found.unmapped)
    assert BillField.CATEGORY in found.chosen and BillField.REFERENCE not in found.chosen


def test_a_choice_takes_its_column_from_the_field_that_had_it() -> None:
    found = match(["Trans No", "Invoice No", "Supplier", "Amount"], {"reference": "Invoice No"})
    assert found.heading(BillField.REFERENCE) == "Invoice No"
    assert found.heading(BillField.INVOICE_NUMBER) == ""


def test_choices_can_be_given_back() -> None:
    found = match(OXFORD.split(","))
    assert match(found.headings, found.choices()).fields == found.fields


def test_a_reference_of_several_columns() -> None:
    found = match(["Vendor", "Invoice No", "Vendor Name", "Amount"], {"reference": "Vendor + Invoice No"})
    assert found.fields[BillField.REFERENCE] == (0, 1)
    assert found.heading(BillField.REFERENCE) == "Vendor + Invoice No"
    assert found.heading(BillField.SUPPLIER_REFERENCE) == "Vendor"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"reference": "Nope"}, "no column “Nope”"),
        ({"reference": "Ref + Nope"}, "no column “Ref"),
        ({"colour": "Ref"}, "not a field of a bill"),
        ({"reference": "Ref", "amount": "ref"}, "cannot be both"),
    ],
)
def test_choices_that_cannot_be(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        match(["Ref", "Supplier", "Amount"], overrides)


def test_pairs_of_the_command_line() -> None:
    assert parse_overrides(["reference=A=B", "invoice_date = Paid Date"]) == {"reference": "A=B", "date": "Paid Date"}
    with pytest.raises(Invalid, match="field=Heading"):
        parse_overrides(["reference"])


def test_known_headings() -> None:
    assert is_known("Supplier ID") and not is_known("198.35") and not is_known("")
