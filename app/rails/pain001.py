"""SEPA credit transfers as ISO 20022 messages: pain.001.001.09, and .03 for systems that know no newer one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from xml.etree import ElementTree as ET

from app.rails.bank_account import in_sepa
from app.rails.bank_file import ExportLine, FileFacts
from app.rails.latin import Written, write

VERSIONS = ("pain.001.001.09", "pain.001.001.03")
MOST_MINOR = 99_999_999_999  # 999,999,999.99: the limit of the scheme
# The Latin set of the European Payments Council.
_FORBIDDEN = re.compile(r"[^A-Za-z0-9 /\-?:().,'+]")
_SLASHES = re.compile(r"/{2,}")


def why_not(lines: Sequence[ExportLine]) -> str:
    """Why these lines cannot be such a file; "" when they can."""
    if any(line.amount.currency != "EUR" for line in lines):
        return "SEPA transfers are in euros."
    strangers = sum(not in_sepa(line.destination.get("iban", "")) for line in lines)
    if strangers:
        return f"Accounts without an IBAN of the SEPA area: {strangers} of {len(lines)}."
    if any(line.amount.minor > MOST_MINOR for line in lines):
        return "A transfer is at most 999,999,999.99 euros."
    return ""


def name_of(line: ExportLine) -> Written:
    holder = line.destination.get("account_holder") or line.payee_name
    return _write(holder, 70, f"Payee {line.id}")


def reference_of(line: ExportLine) -> Written:
    return _write(line.reference, 140, line.id)


def _write(text: str, most: int, instead: str = "") -> Written:
    # an ampersand has a form of its own; no text begins or ends with a slash or has two in a row
    found = write(_SLASHES.sub("/", text.replace("&", "+")), _FORBIDDEN, most, instead=instead)
    return Written(_SLASHES.sub("/", found.text).strip("/ ") or instead, found.lost)


def render(lines: Sequence[ExportLine], profile: Mapping[str, str], facts: FileFacts, version: str) -> bytes:
    """The same lines, profile and facts give the same bytes. Raises ValueError for what `why_not` names."""
    reason = why_not(lines)
    if reason or version not in VERSIONS or not lines:
        raise ValueError(reason or "no such message")
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    document = ET.Element("Document", {"xmlns": namespace})
    message = ET.SubElement(document, "CstmrCdtTrfInitn")
    count, total = str(len(lines)), _amount(sum(line.amount.minor for line in lines))
    header = ET.SubElement(message, "GrpHdr")
    _put(header, "MsgId", facts.message_id)
    _put(header, "CreDtTm", f"{facts.made_at:%Y-%m-%dT%H:%M:%S}")
    _put(header, "NbOfTxs", count)
    _put(header, "CtrlSum", total)
    party = ET.SubElement(header, "InitgPty")
    _put(party, "Nm", _write(profile["name"], 70, "Payer").text)
    if profile.get("initiator_id"):
        _put(party, "Id/OrgId/Othr/Id", _write(profile["initiator_id"], 35).text)
    payment = ET.SubElement(message, "PmtInf")
    _put(payment, "PmtInfId", f"{facts.message_id}-1")
    _put(payment, "PmtMtd", "TRF")
    _put(payment, "BtchBookg", "true")
    _put(payment, "NbOfTxs", count)
    _put(payment, "CtrlSum", total)
    _put(payment, "PmtTpInf/SvcLvl/Cd", "SEPA")
    newer = version != "pain.001.001.03"
    _put(payment, "ReqdExctnDt/Dt" if newer else "ReqdExctnDt", f"{facts.execute_on:%Y-%m-%d}")
    _debtor(payment, profile, newer)
    _put(payment, "ChrgBr", "SLEV")
    for line in lines:
        _transfer(payment, line, newer)
    ET.indent(document, "  ")
    text = ET.tostring(document, encoding="unicode", short_empty_elements=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _debtor(payment: ET.Element, profile: Mapping[str, str], newer: bool) -> None:
    debtor = ET.SubElement(payment, "Dbtr")
    _put(debtor, "Nm", _write(profile["name"], 70, "Payer").text)
    if profile.get("town"):
        address = ET.SubElement(debtor, "PstlAdr")
        _put(address, "TwnNm", _write(profile["town"], 35, "-").text)
        _put(address, "Ctry", profile["country"])
    _put(payment, "DbtrAcct/Id/IBAN", profile["iban"])
    bank = ET.SubElement(ET.SubElement(payment, "DbtrAgt"), "FinInstnId")
    if profile.get("bic"):
        _put(bank, "BICFI" if newer else "BIC", profile["bic"])
    else:
        _put(bank, "Othr/Id", "NOTPROVIDED")


def _transfer(payment: ET.Element, line: ExportLine, newer: bool) -> None:
    transfer = ET.SubElement(payment, "CdtTrfTxInf")
    ids = ET.SubElement(transfer, "PmtId")
    _put(ids, "InstrId", line.id)
    _put(ids, "EndToEndId", line.id)
    amount = ET.SubElement(ET.SubElement(transfer, "Amt"), "InstdAmt", {"Ccy": "EUR"})
    amount.text = _amount(line.amount.minor)
    if line.destination.get("bic"):
        _put(transfer, "CdtrAgt/FinInstnId/" + ("BICFI" if newer else "BIC"), line.destination["bic"])
    _put(transfer, "Cdtr/Nm", name_of(line).text)
    _put(transfer, "CdtrAcct/Id/IBAN", line.destination["iban"])
    _put(transfer, "RmtInf/Ustrd", reference_of(line).text)


def _put(parent: ET.Element, path: str, text: str) -> None:
    for tag in path.split("/"):
        parent = ET.SubElement(parent, tag)
    parent.text = text


def _amount(minor: int) -> str:
    return f"{Decimal(minor).scaleb(-2):.2f}"
