"""Bank files against parsers and schemas that are not ours, the published layout and the shared samples."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import sepaxml
import xmlschema
from ach.parser import Parser
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.money import Money
from app.rails import formats, nacha, neft, pain001
from app.rails.bank_file import ExportLine, FileFacts, render_csv
from app.rails.formats import FileFormat
from app.rails.originators import DEFAULTS, ProfileKind, validate
from tests.specs import missing, specs

SAMPLES = specs("bank", "samples.json")
needs_samples = missing(SAMPLES) if not SAMPLES.exists() else pytest.mark.samples
FACTS = FileFacts("", "0123456789abcdef0123456789abcdef", datetime(2026, 11, 21, 10, 5, 6), date(2026, 11, 23))
NACHA = {
    "destination": "091000019", "destination_name": "EXAMPLE BANK", "origin": "1234567890", "origin_name": "EXAMPLE CO",
    "company_id": "1234567890", "company_name": "EXAMPLE CO", "odfi": "091000019", "description": "PAYOUT",
    "unknown_class": "PPD",
}  # fmt: skip
SEPA = {"name": "Example BV", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "version": "pain.001.001.09"}
NEFT = {**DEFAULTS[ProfileKind.NEFT], "account": "50200011112222", "ifsc": "HDFC0000001", "name": "Example Pvt Ltd"}
PROFILES = {ProfileKind.NACHA: NACHA, ProfileKind.SEPA: SEPA, ProfileKind.NEFT: NEFT}
SCHEMAS = Path(sepaxml.__file__).parent / "schemas"


def line(minor: int, currency: str, name: str, *, company: bool | None = None, **to: str) -> ExportLine:
    to.setdefault("account_holder", name)
    number = f"{minor:06d}A01"[-15:]
    return ExportLine(f"key-{number}", name, Money(minor, currency), "Shop Q-1234", to, number, company)


def us(minor: int, name: str, company: bool | None = None, **to: str) -> ExportLine:
    account = {"routing_number": "021000021", "account_number": "123456789012", "account_type": "checking"}
    return line(minor, "USD", name, company=company, **{**account, **to})


def de(minor: int, name: str, **to: str) -> ExportLine:
    return line(minor, "EUR", name, **{"iban": "DE89370400440532013000", **to})


def indian(minor: int, name: str, **to: str) -> ExportLine:
    return line(minor, "INR", name, **{"account_number": "0011223344", "bank_code": "SBIN0001234", **to})


def sample(name: str) -> Any:
    return json.loads(SAMPLES.read_text())[name]


# --- NACHA


@needs_samples
def test_the_sample_file_is_written_byte_for_byte() -> None:
    told = sample("nacha-ppd-credit.sample.txt")
    lines = [
        ExportLine(
            entry["id"], entry["name"], Money(entry["amount_minor"], "USD"), "",
            {
                "routing_number": entry["routing_number"], "account_number": entry["account_number"],
                "account_type": "savings" if entry["transaction_code"] == "32" else "checking",
            },
            entry["id"], False,
        )
        for entry in told["entries"]
    ]  # fmt: skip
    facts = FileFacts("", FACTS.message_id, datetime(2026, 11, 21, 10, 56), date(2026, 11, 23))
    written = nacha.render(lines, {**NACHA, "origin": told["immediate_origin"]}, facts).decode()
    theirs = specs("bank", "nacha-ppd-credit.sample.txt").read_text()
    stamp = slice(23, 33)  # when that file was made
    assert written[: stamp.start] == theirs[: stamp.start]
    assert written[stamp.stop :] == theirs[stamp.stop :]
    control = written.splitlines()[5]
    assert control[21:31] == told["totals"]["entry_hash"]
    assert int(control[43:55]) == told["totals"]["credit_minor"]
    assert len(written.splitlines()) == told["totals"]["lines"]


def test_persons_and_companies_stand_in_batches_of_their_own() -> None:
    lines = [us(100, "Zoë O’Neil", False), us(250, "Ünal & Søn GmbH", True), us(7, "Jo Bell")]
    parsed = Parser(nacha.render(lines, NACHA, FACTS).decode()).as_dict()
    people, companies = parsed["batches"]
    assert people["batch_header"]["std_ent_cls_code"] == "PPD"
    assert companies["batch_header"]["std_ent_cls_code"] == "CCD"
    assert [e["entry_detail"]["ind_name"].strip() for e in people["entries"]] == ["ZOE O'NEIL", "JO BELL"]
    assert companies["entries"][0]["entry_detail"]["ind_name"].strip() == "UNAL & SON GMBH"
    assert parsed["file_control"]["credit_amount"] == f"{357:012d}"
    unknown = {**NACHA, "unknown_class": "CCD"}
    again = Parser(nacha.render(lines, unknown, FACTS).decode()).as_dict()
    assert [len(batch["entries"]) for batch in again["batches"]] == [1, 2]


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (de(100, "X"), "US dollars"),
        (line(100, "USD", "X", account_number="1", bic="BARCKENX"), "routing number: 1 of 1"),
        (us(nacha.MOST_MINOR + 1, "X"), "99,999,999.99"),
        (us(1, "X", account_number="1" * 18), "17 characters"),
    ],
)
def test_nacha_says_why_not(bad: ExportLine, word: str) -> None:
    assert word in nacha.why_not([bad])
    with pytest.raises(ValueError):
        nacha.render([bad], NACHA, FACTS)


_texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
_routing = st.sampled_from(["021000021", "091000019", "011000015", "322271627"])


def _accounts(**more: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({"account_holder": _texts, **more})


def _of(currency: str, most: int, to: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[list[ExportLine]]:
    return st.lists(
        st.builds(
            ExportLine,
            key=st.from_regex(r"[a-z0-9]{8,40}", fullmatch=True),
            payee_name=_texts,
            amount=st.integers(1, most).map(lambda minor: Money(minor, currency)),
            reference=_texts,
            destination=to,
            id=st.from_regex(r"[A-F0-9]{12}A[0-9]{2}", fullmatch=True),
            company=st.sampled_from([True, False, None]),
        ),
        min_size=1,
        max_size=12,
        unique_by=(lambda made: made.id, lambda made: made.key),
    )


_us_lines = _of(
    "USD",
    nacha.MOST_MINOR,
    _accounts(
        routing_number=_routing,
        account_number=st.from_regex(r"[A-Z0-9]{4,17}", fullmatch=True),
        account_type=st.sampled_from(["checking", "savings"]),
    ),
)


@settings(deadline=None)
@given(_us_lines)
def test_any_nacha_file_keeps_to_the_layout(lines: list[ExportLine]) -> None:
    content = nacha.render(lines, NACHA, FACTS)
    assert content == nacha.render(list(lines), NACHA, FACTS)
    rows = content.decode("ascii").split("\n")
    assert {len(row) for row in rows} == {94} and len(rows) % 10 == 0
    assert not re.search(r"[^A-Z0-9 .,/&'()\-\n]", content.decode())
    entries = [row for row in rows if row[0] == "6"]
    assert len(entries) == len(lines)
    control = next(row for row in rows if row[0] == "9" and row[1:7] != "999999")
    batches = [row for row in rows if row[0] == "8"]
    assert int(control[1:7]) == len(batches)
    assert int(control[7:13]) * 10 == len(rows)
    assert int(control[13:21]) == len(lines) == sum(int(row[4:10]) for row in batches)
    assert int(control[21:31]) == sum(int(row[3:11]) for row in entries) % 10**10
    assert int(control[43:55]) == sum(made.amount.minor for made in lines) == sum(int(r[32:44]) for r in batches)
    assert int(control[31:43]) == 0
    traces = [row[79:] for row in entries]
    assert traces == sorted(traces) and len(set(traces)) == len(lines)
    assert {row[39:54] for row in entries} == {made.id for made in lines}
    assert all(row[54:76].strip() for row in entries)
    parsed = Parser(content.decode()).as_dict()
    found = [entry["entry_detail"] for batch in parsed["batches"] for entry in batch["entries"]]
    assert sorted(int(entry["amount"]) for entry in found) == sorted(made.amount.minor for made in lines)


# --- pain.001


@needs_samples
@pytest.mark.parametrize("version", pain001.VERSIONS)
def test_the_messages_say_what_the_samples_say(version: str) -> None:
    told = sample("pain.001")
    lines = [
        ExportLine(
            p["end_to_end_id"], p["name_in"], Money(p["amount_minor"], "EUR"), "Payout 2026-10",
            {"iban": p["iban"], **({"bic": p["bic"]} if "bic" in p else {})}, p["end_to_end_id"],
        )
        for p in told["payments"]
    ]  # fmt: skip
    profile = {"name": told["debtor"]["name"], "iban": told["debtor"]["iban"], "bic": told["debtor"]["bic"]}
    ours = ET.fromstring(pain001.render(lines, profile, FACTS, version))
    theirs = ET.fromstring(specs("bank", f"{version}.sample.xml").read_text())
    own = {"MsgId", "CreDtTm", "PmtInfId", "InstrId", "PstlAdr"}  # peculiar to each file, or optional

    def leaves(node: ET.Element, path: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        tag = node.tag.split("}")[1]
        if tag in own:
            return []
        if len(node) == 0:
            return [("/".join((*path, tag)), (node.text or "").strip())]
        return [leaf for child in node for leaf in leaves(child, (*path, tag))]

    assert leaves(ours) == leaves(theirs)
    assert ours.tag == theirs.tag
    assert dict(leaves(ours))["Document/CstmrCdtTrfInitn/GrpHdr/CtrlSum"] == told["control_sum"]


_SCHEMAS = {version: xmlschema.XMLSchema(SCHEMAS / f"{version}.xsd") for version in pain001.VERSIONS}
_LATIN = re.compile(r"[A-Za-z0-9 /\-?:().,'+]*")


@settings(deadline=None, max_examples=60)
@given(
    _of(
        "EUR",
        pain001.MOST_MINOR,
        _accounts(
            iban=st.sampled_from(["DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300"]),
            bic=st.sampled_from(["", "COBADEFFXXX"]),
        ),
    ),
    st.sampled_from(pain001.VERSIONS),
    st.sampled_from([SEPA, {"name": "Bäckerei/Süd", "iban": SEPA["iban"], "town": "Köln", "country": "DE"}]),
)
def test_any_message_is_valid_against_the_iso_schema(
    lines: list[ExportLine], version: str, profile: dict[str, str]
) -> None:
    content = pain001.render(lines, profile, FACTS, version)
    assert content == pain001.render(list(lines), profile, FACTS, version)
    _SCHEMAS[version].validate(content.decode())
    root = ET.fromstring(content)
    space = {"m": f"urn:iso:std:iso:20022:tech:xsd:{version}"}
    total = Decimal(sum(made.amount.minor for made in lines)).scaleb(-2)
    assert {Decimal(node.text or "") for node in root.findall(".//m:CtrlSum", space)} == {total}
    assert {node.text for node in root.findall(".//m:NbOfTxs", space)} == {str(len(lines))}
    assert [node.text for node in root.findall(".//m:EndToEndId", space)] == [made.id for made in lines]
    for tag in ("MsgId", "PmtInfId", "EndToEndId", "InstrId"):
        assert all(0 < len(node.text or "") <= 35 for node in root.findall(f".//m:{tag}", space))
    for tag in ("Nm", "Ustrd", "TwnNm"):
        texts = [node.text or "" for node in root.findall(f".//m:{tag}", space)]
        assert all(text and _LATIN.fullmatch(text) and "//" not in text for text in texts)
        assert not any(text.startswith("/") or text.endswith("/") for text in texts)


def test_sepa_says_why_not() -> None:
    assert "euros" in pain001.why_not([us(1, "X")])
    abroad = de(1, "X", iban="BR1800360305000010009795493C1")
    assert "SEPA area: 2 of 3" in pain001.why_not([de(1, "X"), abroad, de(2, "Y", iban="")])
    assert "999,999,999.99" in pain001.why_not([de(pain001.MOST_MINOR + 1, "X")])


# --- NEFT


def test_a_template_says_what_stands_where() -> None:
    lines = [indian(199_999_99, "Asha Rao"), indian(200_000_00, "=Ravi"), indian(5_00, "Own", bank_code="HDFC0009999")]
    rows = list(csv.DictReader(io.StringIO(neft.render(lines, NEFT, FACTS).decode(), newline="")))
    assert [row["Payment Type"] for row in rows] == ["N", "R", "I"]
    assert [row["Amount"] for row in rows] == ["199999.99", "200000.00", "5.00"]
    assert rows[0]["Date"] == "23/11/2026" and rows[0]["IFSC"] == "SBIN0001234"
    assert rows[1]["Beneficiary Name"] == "Ravi" and rows[1]["Beneficiary Account"] == "0011223344"
    own = {**NEFT, "columns": "ifsc\nA/C = account\namount\nreference\nOn = date", "headings": "no"}
    own |= {"delimiter": "bar", "date_format": "DD-MM-YY"}
    first = neft.render(lines, own, FACTS).decode().split("\r\n")[0]
    assert first == f"SBIN0001234|0011223344|199999.99|{lines[0].id}|23-11-26"


@settings(deadline=None)
@given(
    _of(
        "INR",
        10**12,
        _accounts(
            account_number=st.from_regex(r"[A-Z0-9]{4,34}", fullmatch=True),
            bank_code=st.from_regex(r"[A-Z]{4}0[A-Z0-9]{6}", fullmatch=True),
        ),
    )
)
def test_any_neft_file_can_be_read_back_and_runs_nothing(lines: list[ExportLine]) -> None:
    content = neft.render(lines, NEFT, FACTS)
    assert content == neft.render(list(lines), NEFT, FACTS) and content.isascii()
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert [row["Reference"] for row in rows] == [made.id for made in lines]
    assert sum(Decimal(row["Amount"]) for row in rows) == Decimal(sum(m.amount.minor for m in lines)).scaleb(-2)
    for row in rows:
        assert 0 < len(row["Beneficiary Name"]) <= 40
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row.values())


def test_neft_says_why_not() -> None:
    assert "rupees" in neft.why_not([us(1, "X")])
    assert "IFSC: 1 of 2" in neft.why_not([indian(1, "X"), indian(2, "Y", bank_code="110000")])


# --- which format


def test_the_format_follows_from_the_accounts_and_what_is_known_of_the_payer() -> None:
    def first(lines: list[ExportLine], profiles: formats.Profiles = PROFILES) -> str:
        return formats.offers(lines, profiles)[0].format.value

    assert first([us(1, "X")]) == "nacha"
    assert first([de(1, "X")]) == "pain.001.001.09"
    assert first([de(1, "X")], {ProfileKind.SEPA: {**SEPA, "version": "pain.001.001.03"}}) == "pain.001.001.03"
    assert first([indian(1, "X")]) == "neft"
    assert first([line(1, "GBP", "X", sort_code="200000", account_number="55779911")]) == "csv"
    offered = {offer.format: offer.why_not for offer in formats.offers([us(1, "X")], {})}
    assert offered[FileFormat.CSV] == "" and first([us(1, "X")], {}) == "csv"
    assert offered[FileFormat.NACHA] == "The bank profile “US bank (NACHA)” is not written yet."
    assert offered[FileFormat.PAIN_09] == "SEPA transfers are in euros."
    with pytest.raises(ValueError):
        formats.render(FileFormat.NACHA, [us(1, "X")], None, FACTS)


def test_the_releasing_person_sees_what_was_rewritten() -> None:
    lines = [de(1, "Zoë Ünal"), de(2, "Plain Name"), de(3, "山田太郎")]
    said = formats.rewritten(FileFormat.PAIN_09, lines)
    assert [(one.asked, one.text, one.lost) for one in said] == [
        ("Zoë Ünal", "Zoe Unal", False),
        ("山田太郎", "Payee 000003A01", True),
    ]
    assert formats.rewritten(FileFormat.CSV, lines) == []
    assert formats.rewritten(FileFormat.NACHA, [us(1, "Jo Bell")]) == []  # capitals are no change
    assert formats.render(FileFormat.CSV, lines, None, FACTS) == render_csv(lines)


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        (ProfileKind.NACHA, {"destination": "091000018"}, "destination"),
        (ProfileKind.NACHA, {"odfi": "123"}, "odfi"),
        (ProfileKind.NACHA, {"company_name": "Zoë"}, "company_name"),
        (ProfileKind.NACHA, {"origin": "12345678901"}, "origin"),
        (ProfileKind.NACHA, {"unknown_class": "WEB"}, "unknown_class"),
        (ProfileKind.SEPA, {"iban": "NL91ABNA0417164301"}, "iban"),
        (ProfileKind.SEPA, {"bic": "ABNAXX2A"}, "bic"),
        (ProfileKind.SEPA, {"town": "Utrecht"}, "country"),
        (ProfileKind.SEPA, {"version": "pain.001.001.02"}, "version"),
        (ProfileKind.NEFT, {"ifsc": "HDFC1000001"}, "ifsc"),
        (ProfileKind.NEFT, {"account": ""}, "account"),
        (ProfileKind.NEFT, {"columns": "Amount = amount\nWhat = else"}, "columns"),
        (ProfileKind.NEFT, {"columns": "Amount = amount"}, "columns"),
        (ProfileKind.NEFT, {"columns": ""}, "columns"),
        (ProfileKind.NEFT, {"date_format": "DD/DD/YYYY"}, "date_format"),
    ],
)
def test_a_profile_is_checked_for_real(kind: ProfileKind, change: dict[str, str], field: str) -> None:
    good = PROFILES[kind]
    clean = validate(kind, good)
    assert validate(kind, clean) == clean
    with pytest.raises(Invalid) as refusal:
        validate(kind, {**good, **change})
    assert set(refusal.value.fields) == {field}
