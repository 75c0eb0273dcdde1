"""The bank's answer to a SEPA file: pain.002, for the whole message or transfer by transfer."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from lxml import etree

from app.rails.base import Outcome
from app.rails.returns import STATUS, ReturnError, ReturnLine


def looks_like(content: bytes) -> bool:
    return b"CstmrPmtStsRpt" in content[:4_000]


def message_of(content: bytes) -> str:
    """Which message it answers, "" when it does not say."""
    try:
        root = etree.fromstring(content, _parser())
    except etree.XMLSyntaxError:
        return ""
    return _text(root.find(".//{*}OrgnlGrpInfAndSts"), "OrgnlMsgId")


def read(content: bytes, message_id: str, ids: Sequence[str]) -> tuple[list[ReturnLine], list[ReturnError]]:
    """The answer to the message `message_id`, whose transfers are `ids`. A status of the whole stands for each transfer
    the answer does not name."""
    try:
        root = etree.fromstring(content, _parser())
    except etree.XMLSyntaxError as error:
        return [], [ReturnError(error.lineno or 1, "", "This is not readable XML.")]
    group = root.find(".//{*}OrgnlGrpInfAndSts")
    original = _text(group, "OrgnlMsgId")
    if original != message_id:
        where = 1 if group is None else group.sourceline
        return [], [ReturnError(where, "OrgnlMsgId", f"The answer is about the message “{original}”, another file.")]
    found: dict[str, ReturnLine] = {}
    errors: list[ReturnError] = []
    for node in root.iterfind(".//{*}TxInfAndSts"):
        line = _transfer(node, errors)
        if line is not None:
            found[line.key] = line
    for whole in (*root.iterfind(".//{*}OrgnlPmtInfAndSts"), group):
        status = _text(whole, "PmtInfSts") or _text(whole, "GrpSts")
        outcome = STATUS.get(status.lower())
        if outcome is None and status and status != "PART":
            errors.append(ReturnError(whole.sourceline, "GrpSts", f"“{status}” is not a status."))
        if outcome is not None:
            code, said = _reason(whole)
            for one in ids:
                found.setdefault(one, ReturnLine(whole.sourceline, one, outcome, code, said, None, None, ""))
    if not (found or errors):
        errors.append(ReturnError(1, "", "The answer says nothing about any transfer."))
    return list(found.values()), errors


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _transfer(node: etree._Element, errors: list[ReturnError]) -> ReturnLine | None:
    key, status = _text(node, "OrgnlEndToEndId"), _text(node, "TxSts")
    outcome = STATUS.get(status.lower())
    if not key or outcome is None:
        where = "TxSts" if key else "OrgnlEndToEndId"
        errors.append(ReturnError(node.sourceline, where, f"“{status}” is not a status." if key else "It is missing."))
        return None
    amount = node.find(".//{*}InstdAmt")
    code, said = _reason(node)
    try:
        major = None if amount is None else Decimal((amount.text or "").strip())
    except InvalidOperation:
        errors.append(ReturnError(node.sourceline, "InstdAmt", "It is not an amount."))
        return None
    currency = "" if amount is None else str(amount.get("Ccy", ""))
    return ReturnLine(node.sourceline, key, Outcome(outcome), code, said, None, major, currency)


def _reason(node: etree._Element) -> tuple[str, str]:
    info = node.find("{*}StsRsnInf")
    if info is None:
        return "", ""
    rsn = info.find("{*}Rsn")
    return (_text(rsn, "Cd") or _text(rsn, "Prtry")).upper(), _text(info, "AddtlInf")


def _text(node: etree._Element | None, tag: str) -> str:
    found = None if node is None else node.find("{*}" + tag)
    return "" if found is None else (found.text or "").strip()
