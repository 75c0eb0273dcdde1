from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.money import CURRENCIES, Money
from app.rails.bank_file import COLUMNS, BankFile, ExportLine, export_file, read_returns, render_csv
from app.rails.base import Blame, Outcome, RailRejected
from tests.rails.contract import MakeOrder, RailContract, assert_refusal

UK = {"account_holder": "Ashby Tree Surgeons Ltd", "sort_code": "20-00-00", "account_number": "55779911"}
US = {"account_holder": "Jo Bell", "country": "US", "routing_number": "021000021", "account_number": "000123456789"}
DE = {"account_holder": "Müller GmbH", "iban": "de89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX"}
INDIA = {"account_holder": "Asha Rao", "country": "in", "account_number": "50100012345678", "bank_code": "HDFC0000123"}
KENYA = {"account_holder": "Wanjiru K", "country": "KE", "account_number": "0112233445", "bic": "BARCKENX"}


class TestContract(RailContract):
    @pytest.fixture
    def rail(self) -> BankFile:
        return BankFile()

    @pytest.fixture(params=[UK, US, DE, INDIA, KENYA], ids=["uk", "us", "iban", "ifsc", "bic"])
    def good(self, request: pytest.FixtureRequest) -> dict[str, str]:
        return dict(request.param)

    @pytest.fixture(
        params=[
            ({**UK, "sort_code": "20-00"}, "sort_code"),
            ({**UK, "account_number": "12345"}, "account_number"),
            ({**US, "routing_number": "021000022"}, "routing_number"),
            ({**US, "iban": DE["iban"]}, "iban"),
            ({**DE, "iban": "DE89370400440532013001"}, "iban"),
            ({**DE, "bic": "COBADE"}, "bic"),
            ({**DE, "bic": "COBAXXFF"}, "bic"),
            ({**DE, "country": "FR"}, "iban"),
            ({**DE, "account_number": "532013000"}, "account_number"),
            ({"account_holder": "Müller", "country": "DE", "account_number": "532013000"}, "iban"),
            ({**INDIA, "bank_code": "HDFC1000123"}, "bank_code"),
            ({**KENYA, "bic": ""}, "bank_code"),
            ({**KENYA, "country": "XQ"}, "country"),
            ({"account_holder": "Nobody", "account_number": "12345678"}, "country"),
            ({**UK, "account_number": "5577\n=991"}, "account_number"),
        ]
    )
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        fields, name = request.param
        return dict(fields), name

    def test_an_amount_must_be_positive(self, rail: BankFile, order: MakeOrder) -> None:
        with pytest.raises(RailRejected):
            rail.send([order(0)])


def test_clean_accounts() -> None:
    rail = BankFile()
    assert rail.validate(UK) == {**UK, "sort_code": "200000", "country": "GB"}
    assert rail.validate({**UK, "account_number": "779911"})["account_number"] == "00779911"
    assert rail.validate(US)["account_type"] == "checking"
    german = rail.validate(DE)
    assert (german["iban"], german["country"], rail.last4(german)) == ("DE89370400440532013000", "DE", "3000")


def test_a_uk_iban_alone_will_do_and_must_agree_with_the_rest() -> None:
    rail = BankFile()
    iban = {"account_holder": "Ashby", "iban": "GB33 BUKB 2020 1555 5555 55"}
    assert rail.validate(iban)["country"] == "GB"
    assert rail.validate({**iban, "sort_code": "202015", "account_number": "55555555"})
    with pytest.raises(Invalid) as refusal:
        rail.validate({**iban, "sort_code": "202015", "account_number": "55555556"})
    assert set(refusal.value.fields) == {"account_number"}


def _line(key: str = "k-a1", minor: int = 5_000, **destination: str) -> ExportLine:
    return ExportLine(key, "Ashby", Money(minor, "GBP"), "PO-1", {**BankFile().validate(UK), **destination})


def test_the_file_is_as_banks_want_it() -> None:
    content = render_csv([_line(account_holder='=cmd|"/c calc"!A0')])
    assert content.decode() == (
        "reference,payee,account_holder,country,sort_code,account_number,account_type,routing_number,iban,bic,"
        "bank_code,amount,currency,payment_reference\r\n"
        'k-a1,Ashby,"\'=cmd|""/c calc""!A0",GB,20-00-00,55779911,,,,,,50.00,GBP,PO-1\r\n'
    )


def test_an_export_says_what_is_in_it() -> None:
    lines = [_line("a"), _line("b", 1), ExportLine("c", "Jo", Money(700, "JPY"), "PO-2", BankFile().validate(US))]
    made = export_file(lines)
    assert made.sha256 == hashlib.sha256(render_csv(lines)).hexdigest()
    assert (made.lines, made.totals) == (3, (Money(5_001, "GBP"), Money(700, "JPY")))
    assert "55779911" not in repr(made) and "55779911" not in repr(lines)


def test_an_export_refuses_what_would_pay_twice_or_backwards() -> None:
    with pytest.raises(ValueError, match="twice"):
        render_csv([_line("a"), _line("a")])
    with pytest.raises(ValueError, match="positive"):
        render_csv([_line("a", -1)])


_texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
_lines = st.lists(
    st.builds(
        ExportLine,
        key=st.from_regex(r"[A-Za-z0-9]{1,26}-a[1-9]", fullmatch=True),
        payee_name=_texts,
        amount=st.builds(Money, st.integers(1, 10**12), st.sampled_from(sorted(CURRENCIES))),
        reference=_texts,
        destination=st.fixed_dictionaries(
            {"account_holder": _texts, "iban": st.from_regex(r"[A-Z0-9]{5,34}", fullmatch=True)}
        ),
    ),
    max_size=8,
    unique_by=lambda line: line.key,
)


@given(_lines)
def test_what_is_rendered_can_be_read_back(lines: list[ExportLine]) -> None:
    content = render_csv(lines)
    assert content == render_csv(list(lines))
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert [row["reference"] for row in rows] == [line.key for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert tuple(row) == COLUMNS
        assert Money.parse(row["amount"], row["currency"]) == line.amount
        for column, text in (("payee", line.payee_name), ("payment_reference", line.reference)):
            assert row[column] in (text, "'" + text)
            assert (
                not row[column].startswith(("=", "+", "-", "@")) or row[column].lstrip("-").replace(".", "").isdigit()
            )


@given(
    _lines,
    st.sampled_from(["paid", "Returned", "FAILED", "in progress"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_our_own_file_with_a_status_column_is_an_answer(lines: list[ExportLine], status: str, encoding: str) -> None:
    rows = list(csv.reader(io.StringIO(render_csv(lines).decode(), newline="")))
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(
        [[*row, status if number else "Status"] for number, row in enumerate(rows)]
    )
    found, errors = read_returns(out.getvalue().encode(encoding))
    assert errors == []
    assert [line.key for line in found] == [line.key for line in lines]
    assert [line.amount for line in found] == [line.amount.major for line in lines]
    assert len({line.outcome for line in found}) <= 1


def test_a_confirmation_in_another_banks_style() -> None:
    content = (
        "Our Reference\tResult\tReason code\tReturn reason\tValue date\tAmount paid\tCcy\r\n"
        "k1-a1\tSettled\t\t\t25/09/2017\t1.234,50\teur\r\n"
        "k2-a1\tRETURNED\tac04\tCafé fermé\t26/09/2017\t-£1,000\tGBP\r\n"
        "\r\n"
        "k3-a1\tRejected\t\tAccount name mismatch\t\t\t\r\n"
    ).encode("cp1252")
    found, errors = read_returns(content)
    assert errors == []
    paid, returned, failed = found
    assert (paid.outcome, paid.on, paid.amount, paid.currency) == (
        Outcome.PAID,
        date(2017, 9, 25),
        Decimal("1234.50"),
        "EUR",
    )
    assert (returned.code, returned.reason, returned.amount) == ("AC04", "Café fermé", Decimal(1000))
    assert (failed.line, failed.on, failed.amount) == (5, None, None)
    result = returned.result()
    assert_refusal(result.blame, result.message, result.cure, Blame.PAYEE)
    assert "closed" in result.message
    assert "name" in failed.result().message
    assert paid.result().outcome is Outcome.PAID and paid.result().blame is None


def test_american_dates_are_recognised_by_the_whole_file() -> None:
    found, _ = read_returns(b"reference,status,date\na,paid,03/04/2026\nb,paid,03/25/2026\n")
    assert [line.on for line in found] == [date(2026, 3, 4), date(2026, 3, 25)]
    found, _ = read_returns(b"reference,status,date\na,paid,03/04/2026\n")
    assert found[0].on == date(2026, 4, 3)


def test_every_bad_line_is_reported_and_the_good_ones_are_read() -> None:
    content = (
        b"Ref,Status,Date,Amount\n"
        b"a,paid,2026-01-02,10.00\n"
        b",paid,2026-01-02,10.00\n"
        b"b,maybe,2026-01-02,10.00\n"
        b"c,,2026-01-02,10.00\n"
        b"d,paid,2026-02-30,10.00\n"
        b"e,paid,2026-01-02,ten\n"
        b"a,returned,2026-01-02,10.00\n"
        b"f,paid,2026-01-02,10.00,extra\n"
        b"g,paid\n"
    )
    found, errors = read_returns(content)
    assert [line.key for line in found] == ["a", "g"]
    assert [(error.line, error.column) for error in errors] == [
        (3, "Ref"),
        (4, "Status"),
        (5, "Status"),
        (6, "Date"),
        (7, "Amount"),
        (8, "Ref"),
        (9, ""),
    ]
    assert all(error.reason for error in errors)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"Reference,Amount\na,1\n",
        b"PK\x03\x04\x00\x00",
        b"%PDF-1.7",
        b'reference,status\n"a,' + b"x" * 200_000,
    ],
    ids=["empty", "blank", "no status", "binary", "pdf", "endless cell"],
)
def test_what_is_not_an_answer_is_refused_whole(content: bytes) -> None:
    found, errors = read_returns(content)
    assert found == [] and errors and errors[0].line >= 1 and errors[0].reason


@given(st.binary(max_size=300))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    found, errors = read_returns(content)
    assert found or errors  # no such file has our headings
    assert all(line.key for line in found)
    assert all(error.line >= 1 and error.reason for error in errors)
