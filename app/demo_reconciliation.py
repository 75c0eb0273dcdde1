"""Two months of the bank's statements: Kestrel Films pays its crew by bank files, the bank writes what became of them.

Last month (camt.053) is explained and closed. This month (CSV with balances) is in the middle of it: most lines explain
themselves, the others wait for a person. The files are made of the payouts and deposits that are there.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape

from sqlalchemy import text, update

from app.charges import service as deposits
from app.core import clock
from app.core.clock import today, utc_now
from app.core.money import Money
from app.core.scope import Actor, operator
from app.core.tables.choices import Choices
from app.db.outbox import OutboxRow
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import service as methods
from app.organizations import service as organizations
from app.organizations.states import Role
from app.payables import review
from app.payables import service as payables
from app.payables.rules import RequestForm
from app.payables.states import WorkType
from app.payees import service as payees
from app.payees.states import PayeeKind
from app.payouts import exports
from app.payouts import service as payouts
from app.reconciliation import balances, desk, matching, months, statements, stuck, transfers, watch, write_offs
from app.reconciliation.rules import month_start
from app.reconciliation.states import ItemKind

# IBANs that the registry publishes as examples: they belong to nobody.
CREW = (
    ("Noor de Boer", "NL91ABNA0417164300", "Camera, two days"),
    ("Jonas Weber", "DE89370400440532013000", "Sound, two days"),
    ("Camille Laurent", "FR1420041010050500013M02606", "Colour grading"),
    ("Lucía Ortega", "ES9121000418450200051332", "Editing, first cut"),
    ("Siobhán Walsh", "IE29AIBK93115212345678", "Script supervision"),
    ("Tuomas Laine", "FI2112345600000785", "Lighting, two days"),
)
LAST = (940_00, 875_50, 1_310_00, 1_620_00, 705_25, 1_184_00)  # a file of the last month, cents for each of the crew
LATER = (412_00, 388_00, 655_40, 702_10, 298_75, 530_00)  # another, towards its end
NOW = (1_015_00, 921_30, 1_402_00, 1_733_60, 688_45, 1_207_00)
OPENING = 184_220_15  # of the bank's account, before anything of this


@dataclass(frozen=True, slots=True)
class Studio:
    """An organization that pays in euros. `owner` announces deposits, `crew` are payees in the order of CREW."""

    id: UUID
    owner: Actor
    crew: tuple[Actor, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A released file: its number and total, and its payouts as (amount, name, reference at the bank)."""

    number: str
    total: int
    payouts: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A booking as the bank writes it; above zero came in."""

    day: date
    minor: int
    text: str
    name: str = ""
    reference: str = ""


def load(session: ScopedSession, admin: Actor, checker: Actor) -> None:
    """After the platform's bank profiles: files are SEPA credit transfers."""
    begins = month_start(today())
    before = month_start(begins - timedelta(days=1))
    with clock.at(_noon(before)):
        studio = _studio(session)
    closing = _last_month(session, studio, admin, checker, before)
    months.close(session, admin, before)
    _this_month(session, studio, admin, checker, begins, closing)
    _watched(session)
    # What was promised in the past is promised now: nobody has run the demo's jobs in between.
    session.execute(update(OutboxRow).where(OutboxRow.due_at < utc_now()).values(due_at=utc_now()))


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _studio(session: ScopedSession) -> Studio:
    made = organizations.create(
        session, operator("demo"), name="Kestrel Films", slug="kestrel", currency="EUR", time_zone="Europe/Amsterdam",
        country="NL", billing_email="accounts@kestrel.test",
    )  # fmt: skip
    email, name, role = "owner@kestrel.test", "Femke Visser", Role.OWNER
    account_id = identity.create_account(session, Portal.ORG, email, name, time_zone=made.time_zone)
    organizations.add_member(
        session, operator("demo"), made.id, account_id=account_id, name=name, email=email, role=role
    )
    owner = Actor(name, role.value, account_id, made.id, rank=role.rank)
    return Studio(made.id, owner, tuple(_member_of_crew(session, made.id, owner, *one[:2]) for one in CREW))


def _member_of_crew(session: ScopedSession, studio_id: UUID, owner: Actor, name: str, iban: str) -> Actor:
    made = payees.create(
        session, owner, studio_id, kind=PayeeKind.CONTRACTOR, name=name, currency="EUR", country=iban[:2]
    )
    methods.add(session, owner, made.id, rail="bank_file", fields={"account_holder": name, "iban": iban})
    return Actor(label=name, role="payee", payee_id=made.id)


def _funded(session: ScopedSession, studio: Studio, admin: Actor | None, minor: int, reference: str, day: date) -> None:
    """Announced; with `admin`, confirmed by them."""
    with clock.at(_noon(day)):
        made = deposits.announce(
            session, studio.owner, studio.id, amount=Money(minor, "EUR"), reference=reference, sent_on=day
        )
        if admin:
            deposits.confirm(session, admin, made.id)


def _sent(
    session: ScopedSession, studio: Studio, admin: Actor, checker: Actor, amounts: Sequence[int], day: date
) -> Sent:
    """A file that one person made and another released on a day."""
    with clock.at(_noon(day)):
        ids = [
            _payout(session, studio, payee, minor, work)
            for payee, minor, (_, _, work) in zip(studio.crew, amounts, CREW, strict=True)
        ]
        payouts.approve(session, checker, ids)
        (export,) = exports.make(session, admin, ids)
        exports.release(session, checker, export.id)
    rows = session.execute(
        text(
            """SELECT p.amount_minor, y.name, a.rail_reference FROM payout_attempts a
            JOIN payouts p ON p.id = a.payout_id JOIN payees y ON y.id = p.payee_id
            WHERE a.export_id = :id ORDER BY array_position(:order, p.id)"""
        ),
        {"id": export.id, "order": ids},
    )
    return Sent(export.number, export.total_minor, tuple((row[0], row[1], row[2]) for row in rows))


def _payout(session: ScopedSession, studio: Studio, payee: Actor, minor: int, work: str) -> UUID:
    """What they earned a while ago, and ask for now."""
    number = f"{''.join(word[0] for word in payee.label.split())}-{today():%y%m%d}"
    form = RequestForm(Money(minor, "EUR"), work, today() - timedelta(days=40), WorkType.PROJECT_DELIVERY, number)
    request = payables.submit_new(session, payee, studio.id, form, even_so=True)
    review.approve(session, studio.owner, studio.id, request.id)
    return payouts.withdraw(session, payee, organization_id=studio.id, currency="EUR").id


def _debit(day: date, one: tuple[int, str, str], words: str = "SEPA credit transfer") -> Line:
    minor, name, reference = one
    return Line(day, -minor, words, name, reference)


def _last_month(session: ScopedSession, studio: Studio, admin: Actor, checker: Actor, begins: date) -> int:
    """A file debited as one sum, one debited line by line, one payout that came back, a top-up and a fee. One payout
    never shows up. Returns the closing balance."""

    def day(number: int) -> date:
        return begins + timedelta(days=number - 1)

    ends = month_start(begins + timedelta(days=32)) - timedelta(days=1)
    _funded(session, studio, admin, 20_000_00, "KESTREL-01", day(2))
    whole = _sent(session, studio, admin, checker, LAST, day(6))
    with clock.at(_noon(day(12))):
        _topped_up(session, admin, "stripe", 2_000_00, "TOPUP-STRIPE-01")
        _topped_up(session, admin, "paypal", 1_500_00, "TOPUP-PAYPAL-01")
    single = _sent(session, studio, admin, checker, LATER, day(18))
    back = single.payouts[2]
    lines = [
        Line(day(3), 20_000_00, "Incoming credit transfer", "Kestrel Films", "KESTREL-01"),
        Line(day(7), -whole.total, f"Batch of {len(whole.payouts)} credit transfers", "", whole.number),
        Line(day(12), -2_000_00, "Own transfer", "Stripe Payments Europe", "TOPUP-STRIPE-01"),
        Line(day(13), -1_500_00, "Own transfer", "PayPal Europe", "TOPUP-PAYPAL-01"),
        *(_debit(day(19), one) for one in single.payouts[:5]),  # nobody knows what became of the sixth
        Line(day(22), back[0], "RETURN AC04 account closed", back[1], back[2]),
        Line(ends, -12_50, "Account fee", "Our bank"),
    ]
    with clock.at(_noon(ends + timedelta(days=1))):
        closing = OPENING + sum(line.minor for line in lines)
        body = _camt(lines, OPENING, closing)
        made = _imported(session, admin, f"camt053-{begins:%Y-%m}.xml", body)
        fee = write_offs.propose(session, admin, _line(session, made, "Account fee"), "The bank’s monthly fee.")
        write_offs.approve(session, checker, fee.id)
    return closing


def _topped_up(session: ScopedSession, admin: Actor, account: str, minor: int, reference: str) -> None:
    made = transfers.send(
        session, admin, from_account="bank", to_account=account, amount=Money(minor, "EUR"), reference=reference,
        sent_on=today(),
    )  # fmt: skip
    transfers.arrived(session, admin, made.id)


def _this_month(
    session: ScopedSession, studio: Studio, admin: Actor, checker: Actor, begins: date, opening: int
) -> None:
    """What waits: a fee, a part payment, two payouts in one debit, a write-off for a second person, and a deposit
    that is on the statement and not confirmed. Money nobody knows is in suspense."""
    now = today()

    def ago(days: int) -> date:
        return max(begins, now - timedelta(days=days))

    _funded(session, studio, admin, 15_000_00, "KESTREL-02", ago(17))
    sent = _sent(session, studio, admin, checker, NOW, ago(12))
    _funded(session, studio, None, 8_000_00, "KESTREL-03", ago(6))
    _funded(session, studio, None, 6_500_00, "KESTREL-04", ago(3))
    both = sent.payouts[4:]
    lines = [
        Line(ago(16), 15_000_00, "Incoming credit transfer", "Kestrel Films", "KESTREL-02"),
        Line(ago(14), -35_00, "Investigation of a transfer, fee", "Our bank"),
        *(_debit(ago(11), one) for one in sent.payouts[:3]),
        _debit(ago(11), (*sent.payouts[3][:2], ""), "Transfer by phone"),  # known by its amount alone
        Line(ago(10), -sum(one[0] for one in both), "2 credit transfers", ", ".join(one[1] for one in both)),
        Line(ago(9), 480_00, "Invoice 2231", "J. de Vries"),
        Line(ago(5), 5_000_00, "Incoming credit transfer", "Kestrel Films", "KESTREL-03"),
        Line(ago(2), 6_500_00, "Incoming credit transfer", "Kestrel Films", "KESTREL-04"),
        Line(ago(1), -4_90, "Paper statement, fee", "Our bank"),
    ]
    made = _imported(session, admin, f"account-{begins:%Y-%m}.csv", _csv(lines, opening))
    desk.suspend(
        session,
        admin,
        _line(session, made, "Invoice 2231"),
        "No organization of ours knows the sender; asked the bank.",
    )
    write_offs.propose(session, admin, _line(session, made, "Paper statement, fee"), "Ordered by mistake; below €5.")


def _watched(session: ScopedSession) -> None:
    """Two providers told their balances: one agrees, one does not. The payout nobody heard of is late by now."""
    at = session.scalar(text("SELECT clock_timestamp()"))  # the books are dated by the database
    balances.compare(session, "stripe_connect", [Money(2_000_00, "EUR")], at)
    differs = balances.compare(session, "paypal", [Money(1_465_00, "EUR")], at)
    watch.notice(session, ItemKind.BALANCE, differs, within="paypal:")
    watch.notice(session, ItemKind.STUCK, stuck.find(session, today()))


def _imported(session: ScopedSession, actor: Actor, name: str, body: bytes) -> UUID:
    """As the job takes it. The bytes are not in the store: nothing is asked there while rows are written."""
    made = statements.keep(
        session, actor, account="bank", currency="EUR", kind=statements.kind_of(body), file_id=None, name=name,
        sha256=hashlib.sha256(body).hexdigest(), choices=Choices(),
    )  # fmt: skip
    bookings = statements.read(made, body)
    statements.confirm(session, actor, made.id, bookings, skip_faulty=False)
    keys = bookings.keys()
    while statements.take(session, made, bookings, keys):
        pass
    statements.finish(session, made, matching.run(session, statements.actor_of(made)).total())
    return made.id


def _line(session: ScopedSession, statement_id: UUID, words: str) -> UUID:
    query = text("SELECT id FROM statement_lines WHERE statement_id = :id AND description = :words")
    found: UUID = session.execute(query, {"id": statement_id, "words": words}).scalar_one()
    return found


def _csv(lines: Sequence[Line], opening: int) -> bytes:
    table, balance = io.StringIO(), opening
    rows: Any = csv.writer(table, lineterminator="\n")
    rows.writerow(("Date", "Description", "Counterparty", "Reference", "Amount", "Currency", "Balance"))
    for line in lines:
        balance += line.minor
        amounts = [Money(minor, "EUR").plain() for minor in (line.minor, balance)]
        rows.writerow((line.day, line.text, line.name, line.reference, amounts[0], "EUR", amounts[1]))
    return table.getvalue().encode()


def _camt(lines: Sequence[Line], opening: int, closing: int) -> bytes:
    entries = "".join(_entry(number, line) for number, line in enumerate(lines, 1))
    days = (lines[0].day, lines[-1].day)
    balances_told = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(minor)}<Dt><Dt>{day}</Dt></Dt></Bal>"
        for code, minor, day in (("OPBD", opening, days[0]), ("CLBD", closing, days[1]))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>{days[1]:%Y%m}</MsgId><CreDtTm>{days[1]}T18:00:00Z</CreDtTm></GrpHdr>"
        "<Stmt><Id>1</Id><Acct><Id><IBAN>NL91ABNA0417164300</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{balances_told}{entries}</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _amount(minor: int) -> str:
    plain, sign = Money(abs(minor), "EUR").plain(), "CRDT" if minor > 0 else "DBIT"
    return f'<Amt Ccy="EUR">{plain}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _entry(number: int, line: Line) -> str:
    reference = f"<Refs><EndToEndId>{escape(line.reference)}</EndToEndId></Refs>" if line.reference else ""
    party = "Dbtr" if line.minor > 0 else "Cdtr"
    name = f"<RltdPties><{party}><Pty><Nm>{escape(line.name)}</Nm></Pty></{party}></RltdPties>" if line.name else ""
    return (
        f"<Ntry>{_amount(line.minor)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{line.day}</Dt></BookgDt>"
        f"<AcctSvcrRef>{line.day:%Y%m%d}-{number:04d}</AcctSvcrRef><NtryDtls><TxDtls>{reference}{name}"
        f"<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
