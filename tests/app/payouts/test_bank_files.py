"""Formats of bank files: chosen by accounts and profile, released by somebody else, answered in banks' own words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from uuid import UUID

import pytest
from ach.parser import Parser
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.payees.states import BusinessType, PayeeKind
from app.payouts import answering, bank_profiles, exports, files
from app.payouts.rules import file_id, is_company, send_key
from app.rails.formats import FileFormat
from app.rails.originators import ProfileKind
from app.tax.states import Classification
from jobs import payouts as jobs
from tests.app.payouts.test_batches import approved, run, statuses
from tests.factories import organizations
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.rails.test_bank_answers import ach_file, changed, returned, status, transfer
from tests.rails.test_bank_formats import NACHA, NEFT, SEPA

pytestmark = pytest.mark.usefixtures("database_url")

US = {"account_holder": "Zoë Bell", "country": "US", "routing_number": "021000021", "account_number": "123456789012"}
DE = {"account_holder": "Zoë Ünal", "country": "DE", "iban": "DE89370400440532013000"}
INDIA = {"account_holder": "Asha", "country": "IN", "account_number": "001122334455", "bank_code": "SBIN0001234"}
TYPED = {ProfileKind.NACHA: NACHA, ProfileKind.SEPA: SEPA, ProfileKind.NEFT: NEFT}


@pytest.fixture
def maker(database_url: str) -> Actor:
    return make.admin("maker@quittance.test")


@pytest.fixture
def checker(database_url: str) -> Actor:
    return make.admin("checker@quittance.test")


@pytest.fixture
def house(database_url: str) -> UUID:
    return organizations.organization("house", is_house=True, currency="USD")


def written(actor: Actor, organization_id: UUID, kind: ProfileKind, **changes: str) -> None:
    admin = Actor(label=actor.label, role="platform_admin", account_id=actor.account_id)
    with unit_of_work(PLATFORM) as session:
        bank_profiles.save(session, admin, organization_id, kind, {**TYPED[kind], **changes})


def made(
    maker: Actor, checker: Actor, currency: str, to: Mapping[str, str], payees: int = 3
) -> tuple[Shop, UUID, UUID]:
    place = make.shop(payees, rail="bank_file", currency=currency, to=to)
    for payee in range(payees):
        make.earn(place, 10_00 + payee, payee=payee, currency=currency)
    batch_id = approved(place, maker, checker)
    for chunk_id in run(batch_id, maker):
        jobs.run_chunk(chunk_id)
    with unit_of_work(PLATFORM) as session:
        return place, batch_id, session.execute(text("SELECT id FROM payout_exports")).scalar_one()


def released(export_id: UUID, checker: Actor) -> bytes:
    with unit_of_work(PLATFORM) as session:
        exports.release(session, checker, export_id)
    with unit_of_work(PLATFORM) as session:
        export, content = exports.download(session, checker, export_id)
        assert hashlib.sha256(content).hexdigest() == export.file_sha256
        return content


def ids_of(export_id: UUID) -> list[str]:
    query = text("SELECT rail_reference FROM payout_attempts WHERE export_id = :id ORDER BY payout_id")
    with unit_of_work(PLATFORM) as session:
        return list(session.execute(query, {"id": export_id}).scalars())


def test_us_accounts_in_dollars_become_a_nacha_file(maker: Actor, checker: Actor, house: UUID) -> None:
    written(maker, house, ProfileKind.NACHA)
    _, batch_id, export_id = made(maker, checker, "USD", US)
    content = released(export_id, checker)
    parsed = Parser(content.decode()).as_dict()
    assert parsed["file_control"]["credit_amount"] == f"{30_03:012d}"
    entries = [entry["entry_detail"]["ind_id"] for batch in parsed["batches"] for entry in batch["entries"]]
    assert entries == ids_of(export_id)
    with unit_of_work(PLATFORM) as session:
        export = exports.get(session, export_id)
        assert export.format is FileFormat.NACHA and export.remarks is not None
        assert [one["text"] for one in export.remarks["rewritten"]] == ["ZOE BELL"] * 3
        assert NACHA["company_id"] not in str(export.header_sealed)
    assert statuses(batch_id) == ["processing"] * 3


def test_without_a_profile_a_table_is_made_and_the_reason_said(maker: Actor, checker: Actor, house: UUID) -> None:
    _, _, export_id = made(maker, checker, "USD", US)
    with unit_of_work(PLATFORM) as session:
        export = exports.get(session, export_id)
        assert export.format is FileFormat.CSV
        reasons = {offer.format: offer.why_not for offer in files.offers(session, export)}
        assert reasons[FileFormat.NACHA] == "The bank profile “US bank (NACHA)” is not written yet."
        assert reasons[FileFormat.NEFT] == "NEFT and RTGS transfers are in rupees." and not reasons[FileFormat.CSV]
    with pytest.raises(Conflict, match="not written yet"), unit_of_work(PLATFORM) as session:
        exports.choose_format(session, maker, export_id, FileFormat.NACHA)
    written(maker, house, ProfileKind.NACHA)
    with unit_of_work(PLATFORM) as session:
        exports.choose_format(session, checker, export_id, FileFormat.NACHA)
    with pytest.raises(Forbidden, match="chose the format"), unit_of_work(PLATFORM) as session:
        exports.release(session, checker, export_id)
    third = make.admin("third@quittance.test")
    assert released(export_id, third).startswith(b"101 ")
    with pytest.raises(Conflict), unit_of_work(PLATFORM) as session:
        exports.choose_format(session, maker, export_id, FileFormat.CSV)


def test_files_of_one_day_have_letters_of_their_own(maker: Actor, checker: Actor, house: UUID) -> None:
    written(maker, house, ProfileKind.NACHA)
    _, _, export_id = made(maker, checker, "USD", US)
    letters = []
    for _ in range(2):
        with unit_of_work(PLATFORM) as session:
            export = exports.get(session, export_id)
            letters.append(files.render(export, [line.order for line in exports.frozen(export)])[33:34])
            exports.choose_format(session, maker, export_id, FileFormat.CSV)
        with unit_of_work(PLATFORM) as session:
            exports.choose_format(session, maker, export_id, FileFormat.NACHA)
    assert letters == [b"A", b"B"]


@pytest.mark.parametrize(
    ("currency", "to", "kind", "expected"),
    [("EUR", DE, ProfileKind.SEPA, b"pain.001.001.09"), ("INR", INDIA, ProfileKind.NEFT, b"Payment Type,Amount")],
)
def test_each_country_has_its_file(
    maker: Actor, checker: Actor, house: UUID, currency: str, to: dict[str, str], kind: ProfileKind, expected: bytes
) -> None:
    written(maker, house, kind)
    _, _, export_id = made(maker, checker, currency, to)
    content = released(export_id, checker)
    assert expected in content
    assert all(content.count(ident.encode()) >= 1 for ident in ids_of(export_id))


def test_an_organizations_own_profile_goes_first(maker: Actor, checker: Actor, house: UUID) -> None:
    written(maker, house, ProfileKind.SEPA)
    place, _, export_id = made(maker, checker, "EUR", DE)
    own = "FR1420041010050500013M02606"
    written(maker, place.organization_id, ProfileKind.SEPA, iban=own, name="Shop SA", bic="", version="pain.001.001.03")
    with unit_of_work(PLATFORM) as session:
        assert not any(own in str(row) for row in session.execute(text("SELECT * FROM bank_profiles")).all())
        exports.choose_format(session, maker, export_id, FileFormat.PAIN_03)
    content = released(export_id, checker)
    assert own.encode() in content and SEPA["iban"].encode() not in content


def test_a_secret_left_empty_stays(maker: Actor, house: UUID) -> None:
    written(maker, house, ProfileKind.SEPA)
    written(maker, house, ProfileKind.SEPA, iban="", name="New Name")
    with unit_of_work(PLATFORM) as session:
        payer = bank_profiles.payers(session, house)[ProfileKind.SEPA]
        assert (payer.values["iban"], payer.values["name"]) == (SEPA["iban"], "New Name")
        profile = bank_profiles.find(session, house, ProfileKind.SEPA)
        assert profile is not None and profile.shown == "4300" and "iban" not in profile.details
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        bank_profiles.save(session, maker, house, ProfileKind.NEFT, {**NEFT, "account": ""})


def test_a_return_after_paid_brings_the_money_back(maker: Actor, checker: Actor, house: UUID) -> None:
    written(maker, house, ProfileKind.NACHA)
    place, batch_id, export_id = made(maker, checker, "USD", US)
    released(export_id, checker)
    idents = ids_of(export_id)
    with unit_of_work(PLATFORM) as session:
        table = "reference,status\n" + "".join(f"{ident},paid\n" for ident in idents)
        assert answering.answer(session, checker, export_id, table.encode()).paid == 3
    assert make.balances(place, currency="USD") == {}
    bounced = ach_file(returned(idents[0], 10_00, "R03"), changed(idents[1], "C02", "121042882"))
    with unit_of_work(PLATFORM) as session:
        found = answering.answer_all(session, checker, bounced)
    assert (found.returned, found.changes, found.paid) == (1, 1, 0)
    with unit_of_work(PLATFORM) as session:  # once more: nothing changes
        again = answering.answer_all(session, checker, bounced)
    assert (again.returned, again.changes, again.unchanged) == (0, 0, 2)
    assert sorted(statuses(batch_id)) == ["paid", "paid", "returned"]
    balances = [make.balances(place, payee, "USD") for payee in range(3)]
    assert sorted(b.get("payee_available", 0) for b in balances) == [0, 0, 10_00]
    with unit_of_work(PLATFORM) as session:
        ready = session.execute(text("SELECT sum(amount_minor) FROM ready_earnings")).scalar_one()
        notice = session.execute(text("SELECT notice_code, notice_said FROM methods WHERE notice_code IS NOT NULL"))
        assert ready == 10_00 and notice.all() == [("C02", "The routing number is 121042882 now.")]


def test_pain_002_settles_whole_or_not_at_all(maker: Actor, checker: Actor, house: UUID) -> None:
    written(maker, house, ProfileKind.SEPA)
    _, batch_id, export_id = made(maker, checker, "EUR", DE)
    released(export_id, checker)
    first, second, _third = ids_of(export_id)
    wrong = status("PART", transfer(first, "ACSC"), transfer("NOBODY", "ACSC"), message=export_id.hex)
    with pytest.raises(Invalid) as refused, unit_of_work(PLATFORM) as session:
        answering.answer_all(session, checker, wrong)
    assert "not in the export" in str(refused.value.fields)
    good = status("ACSC", transfer(second, "RJCT", "AC04", "10.01"), message=export_id.hex)
    with unit_of_work(PLATFORM) as session:
        found = answering.answer_all(session, checker, good)
    assert (found.paid, found.failed) == (2, 1)
    assert sorted(statuses(batch_id)) == ["failed", "paid", "paid"]
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        answering.answer_all(session, checker, status("ACSC", message="someone else's"))


def test_an_id_names_the_payout_and_the_attempt() -> None:
    payout = UUID("0193547e-aaaa-7bbb-8ccc-0123456789ab")
    assert file_id(send_key(payout, 1)) == "0123456789ABA01"
    assert file_id(send_key(payout, 36)) == "0123456789ABA10"


@pytest.mark.parametrize(
    ("kind", "business", "form", "expected"),
    [
        (PayeeKind.CREATOR, None, None, False),
        (PayeeKind.CONTRACTOR, None, Classification.LLC_C, True),
        (PayeeKind.VENDOR, None, None, None),
        (PayeeKind.VENDOR, BusinessType.LLC, None, True),
        (PayeeKind.VENDOR, BusinessType.SOLE_PROPRIETOR, None, False),
        (PayeeKind.VENDOR, BusinessType.LLC, Classification.INDIVIDUAL, False),
        (PayeeKind.ORGANIZATION, None, None, True),
    ],
)
def test_who_is_a_company(
    kind: PayeeKind, business: BusinessType | None, form: Classification | None, expected: bool | None
) -> None:
    assert is_company(kind, business, form) is expected
