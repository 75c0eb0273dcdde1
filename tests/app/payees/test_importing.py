"""Files of payees: headings found or chosen, every fault of a row said, bad files refused with a sentence."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid
from app.payees.importing import MAX_ROWS, Choices, PayeeFile, Settings, parse_overrides, read_payees, refused_csv
from app.payees.rules import read_commission
from app.payees.states import PayeeKind

CREATORS = Settings(PayeeKind.CREATOR, True, "USD", 30)
VENDORS = Settings(PayeeKind.VENDOR, False, "GBP", 30)


def read(text: str, settings: Settings = CREATORS, **columns: str) -> PayeeFile:
    return read_payees(text.encode(), Choices(columns), settings)


def said(file: PayeeFile) -> list[str]:
    return [f"{fault.line} {fault.column}: {fault.reason}" for fault in file.faults]


def test_everything_a_row_can_say() -> None:
    file = read(
        "Email,Name,Reference,Currency,Terms,Commission,Tags\n"
        "Amara@Okafor.test, Amara  Okafor ,C-1,eur,Net 15,12.5%,VIP; North West\n"
        "theo@marsh.test,,,,,,\n"
    )
    assert file.faults == []
    first, second = file.rows
    assert (first.email, first.name, first.reference) == ("amara@okafor.test", "Amara Okafor", "C-1")
    assert (first.currency, first.terms_days, first.commission_bps) == ("EUR", 15, 1250)
    assert first.tags == ("vip", "north west")
    assert (second.name, second.currency, second.terms_days) == ("theo@marsh.test", "USD", 30)


@pytest.mark.parametrize(
    "text",
    [
        "e-mail;Creator\na@b.test;A\n",
        "Vendor\tE-Mail Address\nA\ta@b.test\n",
        "email\na@b.test\n",
        "\ufeffMail,Full name\r\na@b.test,A\r\n",
    ],
)
def test_headings_and_delimiters_of_others(text: str) -> None:
    assert [row.email for row in read(text).rows] == ["a@b.test"]


def test_a_person_chooses_other_columns() -> None:
    text = "Contact,Login,Our code\nA,a@b.test,7\n"
    with pytest.raises(Invalid) as refused:
        read(text)
    assert "email" in refused.value.fields
    row = read(text, email="login", reference="Our code", name="").rows[0]
    assert (row.email, row.reference, row.name) == ("a@b.test", "7", "a@b.test")
    with pytest.raises(Invalid, match="chosen twice"):
        read(text, email="Login", name="Login")
    with pytest.raises(Invalid, match="no column “Nothing”"):
        read(text, email="Nothing")


def test_every_fault_of_a_row_is_said() -> None:
    file = read("email,name,currency,terms,commission,tags\nnobody,A,XYZ,soon,120,<b>\n,B,,,,\n")
    assert said(file) == [
        "2 email: “nobody” is not an e-mail address",
        "2 currency: “XYZ” is not a currency we know",
        "2 terms: “soon” is not payment terms: write “Net 30” or “Due on receipt”",
        "2 commission: “120” is not a percentage between 0 and 100",
        "2 tags: “<b>” is not a tag: it starts with a letter or digit and has no signs like < or #",
        "3 email: there is no address to invite",
    ]
    assert [row.line for row in file.bad_rows] == [2, 3] and file.rows == []


def test_twins_within_the_file_and_commission_of_others() -> None:
    file = read("email,Ref\na@b.test,1\nA@B.test,2\nc@d.test,1\n")
    assert said(file) == ["3 email: the same as in line 2", "4 Ref: the same as in line 2"]
    names = read("name,email,commission\nAcorn,,\nacorn,,\nBirch,,10\nCedar,,0\n", VENDORS)
    assert said(names) == ["3 name: the same as in line 2", "4 commission: only creators earn commission"]
    assert [row.name for row in names.rows] == ["Acorn", "Cedar"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The file is empty."),
        (b"email,name\n", "no rows below"),
        (b"\x89PNG\r\n", "This is a picture"),
        (b"PK\x03\x04xl/workbook", "Excel workbook"),
        (b"email,name\n\x00\x01,x\n", "not a text file"),
        (b"email,name,Email\na@b.test,A,c@d.test\n", "Two columns are called"),
        (b"email,name,email\na@b.test,A,c@d.test\n", "Two columns are called"),
        (b"just some words\nand more words\n", "The first line must name the columns"),
        (b"color,size\nred,4\n", "No column with e-mail addresses"),
        (b"email,name\n" + b"".join(b"p%d@x.test,P\n" % n for n in range(MAX_ROWS + 1)), "at most 20,000 payees"),
    ],
)
def test_bad_files_are_refused_with_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        read_payees(body, Choices(), CREATORS)


def test_refused_rows_come_back_as_they_stood() -> None:
    file = read("Email,Extra\nnobody,=1+1\na@b.test,x\n")
    body = refused_csv(file, file.faults).decode("utf-8-sig")
    assert body == "Email,Extra,Problem\r\nnobody,'=1+1,Email: “nobody” is not an e-mail address\r\n"
    assert read(body.replace("nobody,", "n@b.test,")).faults == []


@pytest.mark.parametrize(
    ("text", "bps"), [("10", 1000), ("12.5 %", 1250), ("0,25%", 25), ("100", 10000), ("100.5", None), ("-1", None)]
)
def test_commission(text: str, bps: int | None) -> None:
    assert read_commission(text) == bps


def test_overrides_of_the_command_line() -> None:
    assert parse_overrides(["Email=Login", "tags="]) == {"email": "Login", "tags": ""}
    for wrong in ("Login", "colour=Login"):
        with pytest.raises(Invalid):
            parse_overrides([wrong])
