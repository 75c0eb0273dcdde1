"""What banks answer: every return code lands in its class, changes are read, pain.002 for all or one by one."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from app.rails import ach_returns, answers, pain002
from app.rails.base import Blame, Outcome
from app.rails.reasons import explain
from tests.specs import missing, specs

CODES = specs("bank", "ach_return_codes.json")
TABLE = json.loads(CODES.read_text()) if CODES.exists() else {"R": {}, "C": {}}
needs_codes = missing(CODES) if not CODES.exists() else pytest.mark.samples
# Their class → whom we ask. What is "not known" and what fits no credit waits for the payer's question to the bank.
BLAME = {
    "payee_fix": Blame.PAYEE, "payer_fix": Blame.PAYER, "permanent": Blame.PERMANENT, "query_first": Blame.PAYER,
    "n/a for credits": Blame.PAYER,
}  # fmt: skip
ASK_FIRST = ("query_first", "n/a for credits")


def entry(ident: str, cents: int, addendum: str) -> str:
    return f"621021000021{'123456789012':<17}{cents:010d}{ident:<15}{'ZOE':<22}  1091000010000001\n{addendum:<94}\n"


def returned(ident: str, cents: int, code: str) -> str:
    return entry(ident, cents, f"799{code}{'091000010000001':<15}{'':6}02100002")


def changed(ident: str, code: str, data: str) -> str:
    return entry(ident, 0, f"798{code}{'091000010000001':<15}{'':6}02100002{data:<29}")


def ach_file(*entries: str) -> bytes:
    header = "101 0910000191234567890261124 0900A094101EXAMPLE BANK".ljust(94)
    batch = "5200EXAMPLE CO".ljust(94)
    return "\r\n".join(f"{header}\n{batch}\n{''.join(entries)}{'9' * 94}".split("\n")).encode()


@needs_codes
@pytest.mark.parametrize("code", sorted(TABLE["R"]))
def test_every_return_code_lands_in_its_class(code: str) -> None:
    _meaning, kind = TABLE["R"][code]
    (line,) = ach_returns.read(ach_file(returned("ABC", 1234, code))).lines
    result = line.result()
    assert (line.key, line.amount, result.outcome, result.code) == ("ABC", Decimal("12.34"), Outcome.RETURNED, code)
    assert result.blame is BLAME[kind]
    assert result.message.endswith(".") and result.cure.endswith(".")
    assert ("Ask the bank" in result.cure) == (kind in ASK_FIRST)


@needs_codes
@pytest.mark.parametrize("code", sorted(TABLE["C"]))
def test_every_change_code_is_said_and_changes_no_payout(code: str) -> None:
    data = {
        "C01": "1918171614", "C02": "121042882", "C03": "121042882   1918171614", "C04": "ZOE UNAL", "C05": "32",
        "C06": "1918171614          32", "C07": "1210428821918171614       32", "C09": "99",
    }[code]  # fmt: skip
    found = ach_returns.read(ach_file(changed("ABC", code, data)))
    assert found.lines == [] and found.errors == []
    (change,) = found.changes
    assert (change.key, change.code) == ("ABC", code)
    assert "1918171614" not in change.said
    for needle, codes in {
        "ends in 1614": ("C01", "C03", "C06", "C07"), "121042882": ("C02", "C03", "C07"),
        "savings": ("C05", "C06", "C07"), "Zoe Unal": ("C04",),
    }.items():  # fmt: skip
        assert (needle in change.said) == (code in codes)


def test_a_damaged_return_file_names_its_lines() -> None:
    good = returned("ABC", 1, "R02")
    found = ach_returns.read(ach_file(good, returned("", 1, "R02"), entry("X", 1, "705HELLO"), "6short\n"))
    assert [line.key for line in found.lines] == ["ABC"]
    assert [error.line for error in found.errors] == [5, 7, 9]
    assert ach_returns.read(ach_file()).errors


def status(group: str = "", *transfers: str, message: str = "M1", reason: str = "") -> bytes:
    told = f"<GrpSts>{group}</GrpSts>" if group else ""
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>X</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId>{told}{reason}"
        f"</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>{''.join(transfers)}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def transfer(ident: str, state: str, code: str = "", amount: str = "") -> str:
    why = f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>Why</AddtlInf></StsRsnInf>" if code else ""
    of = f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef>' if amount else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{ident}</OrgnlEndToEndId><TxSts>{state}</TxSts>{why}{of}</TxInfAndSts>"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("ACCP", Outcome.ACCEPTED), ("ACSP", Outcome.ACCEPTED), ("PDNG", Outcome.ACCEPTED), ("ACSC", Outcome.PAID),
        ("ACCC", Outcome.PAID), ("RJCT", Outcome.FAILED),
    ],
)  # fmt: skip
def test_a_status_of_the_whole_message_stands_for_each_transfer(state: str, outcome: Outcome) -> None:
    found = answers.read(status(state), "M1", ["A", "B"])
    assert found.kind == "pain.002" and found.errors == []
    assert [(line.key, line.outcome) for line in found.lines] == [("A", outcome), ("B", outcome)]


@pytest.mark.parametrize(
    ("code", "blame"),
    [
        ("AC01", Blame.PAYEE), ("AC04", Blame.PAYEE), ("AM04", Blame.PAYER), ("BE04", Blame.PAYEE),
        ("RC01", Blame.PAYEE), ("MS03", Blame.PAYEE), ("DUPL", Blame.PAYER),
    ],
)  # fmt: skip
def test_single_transfers_have_their_own_status_and_reason(code: str, blame: Blame) -> None:
    content = status("PART", transfer("A", "ACSC"), transfer("B", "RJCT", code, "10.50"))
    found = answers.read(content, "M1", ["A", "B", "C"])
    assert found.errors == []
    assert [(line.key, line.outcome, line.amount) for line in found.lines] == [
        ("A", Outcome.PAID, None), ("B", Outcome.FAILED, Decimal("10.50")),
    ]  # fmt: skip
    assert found.lines[1].result().blame is blame
    assert explain(code).cure


def test_an_answer_to_another_message_or_in_other_words_is_refused() -> None:
    assert "another file" in answers.read(status("ACSC", message="M2"), "M1", ["A"]).errors[0].reason
    assert answers.read(status("WHAT"), "M1", ["A"]).errors
    assert answers.read(status("PART", transfer("A", "WHAT")), "M1", ["A"]).errors
    assert answers.read(status(), "M1", ["A"]).errors
    assert answers.read(b"<Document><CstmrPmtStsRpt>", "M1", ["A"]).errors[0].reason == "This is not readable XML."


def test_no_entity_of_an_answer_is_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("M1")
    bomb = status(message="&x;").replace(
        b"<Document", f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]><Document'.encode(), 1
    )
    lines, errors = pain002.read(bomb, "M1", ["A"])
    assert lines == [] and errors


def test_a_table_stays_a_table() -> None:
    found = answers.read(b"reference,status\nA,paid\n", "M1", ["A"])
    assert (found.kind, [line.key for line in found.lines], found.changes) == ("table", ["A"], [])
