"""camt.053: what is booked, by whom, under which reference; and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from app.core.errors import Invalid
from app.reconciliation.reading.camt import read_camt

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def statement(entries: str, *, opening: str = "1000.00", closing: str = "1000.00", space: str = NAMESPACE) -> bytes:
    def balance(code: str, amount: str) -> str:
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
            "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-10-01</Dt></Dt></Bal>"
        )

    return (
        f"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='{space}'><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>"
        f"</GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def entry(amount: str, sign: str, inside: str = "", *, status: str = "<Cd>BOOK</Cd>", ref: str = "B1") -> str:
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts>{status}</Sts>"
        f"<BookgDt><Dt>2026-10-05</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef>{inside}</Ntry>"
    )


def details(end_to_end: str, amount: str = "", name: str = "Ada") -> str:
    said = f"<AmtDtls><TxAmt><Amt Ccy='EUR'>{amount}</Amt></TxAmt></AmtDtls>" if amount else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>{said}<RltdPties><Cdtr><Pty><Nm>{name}</Nm></Pty>"
        "</Cdtr></RltdPties><RmtInf><Ustrd>Thank you</Ustrd></RmtInf></TxDtls>"
    )


def test_an_entry_with_its_reference_and_name() -> None:
    inside = f"<NtryDtls>{details('Q-1A2B3C4D')}</NtryDtls>"
    found = read_camt(statement(entry("12.50", "DBIT", inside), closing="987.50"))
    assert not found.faults and not found.gaps and found.checked
    (booking,) = found.rows
    assert (booking.amount_minor, booking.currency, booking.booked_on) == (-1250, "EUR", date(2026, 10, 5))
    assert (booking.counterparty, booking.description, booking.bank_id) == ("Ada", "Thank you", "B1")
    assert "Q1A2B3C4D" in booking.tokens()


@pytest.mark.parametrize("space", [NAMESPACE, "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"])
def test_older_versions_say_booked_in_one_word(space: str) -> None:
    found = read_camt(statement(entry("1.00", "CRDT", status="BOOK"), closing="1001.00", space=space))
    assert [row.amount_minor for row in found.rows] == [100]


def test_an_entry_of_several_payments_is_a_booking_for_each() -> None:
    inside = f"<NtryDtls>{details('E-000001', '10.00')}{details('E-000002', '5.00')}</NtryDtls>"
    found = read_camt(statement(entry("15.00", "DBIT", inside), closing="985.00"))
    assert [(row.amount_minor, row.reference) for row in found.rows] == [(-1000, "E-000001"), (-500, "E-000002")]
    assert len(set(found.keys())) == 2


def test_a_sum_whose_parts_are_not_told_stays_one_booking() -> None:
    inside = f"<NtryDtls>{details('E-000001', '10.00')}{details('E-000002')}</NtryDtls>"
    found = read_camt(statement(entry("15.00", "DBIT", inside), closing="985.00"))
    assert [row.amount_minor for row in found.rows] == [-1500]
    assert {"E000001", "E000002"} <= set(found.rows[0].tokens())


def test_what_is_only_announced_is_left_out() -> None:
    found = read_camt(statement(entry("3.00", "CRDT", status="<Cd>PDNG</Cd>")))
    assert (found.rows, found.left_out, found.gaps) == ([], 1, [])


def test_sums_that_do_not_agree_are_said() -> None:
    found = read_camt(statement(entry("3.00", "CRDT"), closing="1004.00"))
    assert "make 1003.00, the closing balance says 1004.00" in found.gaps[0].reason


def test_a_bad_entry_is_named_with_its_line() -> None:
    found = read_camt(statement(entry("x", "CRDT") + entry("1.00", "CRDT", ref="B2"), closing="1001.00"))
    assert [row.bank_id for row in found.rows] == ["B2"]
    assert "“x” is not an amount" in found.faults[0].reason


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><!DOCTYPE d [<!ENTITY a 'b'>]><Document><BkToCstmrStmt/></Document>",
        b"<?xml version='1.0' encoding='UTF-16'?><Document/>",
        "<?xml version='1.0'?><Document/>".encode("utf-16"),
        b"<Document><BkToCstmrDbtCdtNtfctn/></Document>",
        b"<Document><BkToCstmrStmt>",
    ],
)
def test_what_is_not_read(body: bytes) -> None:
    with pytest.raises(Invalid):
        read_camt(body)


def test_a_statement_of_many_entries() -> None:
    entries = "".join(entry("0.01", "CRDT", ref=f"B{number}") for number in range(3000))
    found = read_camt(statement(entries, closing="1030.00"))
    assert (len(found.rows), found.gaps) == (3000, [])
