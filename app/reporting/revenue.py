"""What clients paid in a month and whose it is: read from the books, so that it is what the books say.

Months are of UTC, as the journal is. An amount counts in the month of its entry: what goes back next month is next
month's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.money import Money
from app.ledger import journal, recipes
from app.ledger.recipes import Account, Recipe

FIRST_YEAR = 2020


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of UTC."""

    first: date

    @classmethod
    def read(cls, written: str) -> Month:
        """ "2026-11"; the present one for nothing. Raises Invalid for anything else and for months to come."""
        now = cls(utc_now().date().replace(day=1))
        if not written:
            return now
        try:
            if len(written) != len("2026-11"):
                raise ValueError
            month = cls(date.fromisoformat(f"{written}-01"))
        except ValueError:
            raise Invalid("A month like 2026-10.", fields={"month": "A month like 2026-10."}) from None
        if month.first > now.first or month.first.year < FIRST_YEAR:
            raise Invalid("There are no books of this month.", fields={"month": "Not after this month."})
        return month

    @property
    def since(self) -> datetime:
        return datetime(self.first.year, self.first.month, 1, tzinfo=UTC)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        year, month = divmod(self.first.year * 12 + self.first.month, 12)
        return datetime(year, month + 1, 1, tzinfo=UTC)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Figures:
    """Minor units of one currency. `refunds` and `disputes` went back to clients (less what came back); the parts of
    platform, organizations and consultants are what they have left of it. `promotions` is what the platform added,
    `credits_expired` what organizations had paid for sessions nobody held in time. What a pack costs is charged as its
    credits are used. `billed` is what invoices added: debit notes and rounding, without tax. Fees of card providers are
    in the provider's currency."""

    currency: str
    charges: int
    gross: int
    refunds: int
    disputes: int
    promotions: int
    platform: int
    organizations: int
    consultants: int
    processor_fees: int
    credits_expired: int
    billed: int

    def money(self, name: str) -> Money:
        return Money(getattr(self, name), self.currency)

    @property
    def kept(self) -> Money:
        """What the month left the platform: all it has from it, less what it added and card providers took."""
        taken = self.platform + self.credits_expired + self.billed
        return Money(taken - self.promotions - self.processor_fees, self.currency)


AMOUNTS = tuple(field.name for field in fields(Figures))[2:]


@dataclass(frozen=True, slots=True)
class Group:
    """`name` of an organization, or a practice; "" for what is no consultation's."""

    name: str
    organization_id: UUID | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """One line a currency, and the same sums by practice and by organization, the largest first."""

    totals: Sequence[Figures]
    practices: Sequence[Group]
    organizations: Sequence[Group]


# Which line of an entry says the amount, and its sign: `Figures` counts what was taken in above zero.
_SIDES: tuple[tuple[Recipe, Account, int], ...] = (
    (recipes.CHARGE_SUCCEEDED, Account.FUNDS, -1),
    (recipes.CHARGE_RETURNED, Account.FUNDS, 1),
    (recipes.PROMOTION_BORNE, Account.PROMOTIONS, 1),
    (recipes.PROMOTION_RETURNED, Account.PROMOTIONS, 1),
    (recipes.PLATFORM_FEE, Account.PLATFORM_REVENUE, -1),
    (recipes.PLATFORM_FEE_RETURNED, Account.PLATFORM_REVENUE, -1),
    (recipes.PROCESSOR_FEE, Account.PROCESSOR_FEES, 1),
    (recipes.PAYOUT_FEE, Account.PROCESSOR_FEES, 1),
    (recipes.CREDITS_EXPIRED, Account.PLATFORM_REVENUE, -1),
    (recipes.TOTAL_ROUNDED, Account.PLATFORM_REVENUE, -1),
    (recipes.MORE_BILLED, Account.PLATFORM_REVENUE, -1),
)
_VALUES = ", ".join(f"('{recipe.kind}', '{account.value}', {sign})" for recipe, account, sign in _SIDES)
_KINDS = ", ".join(f"'{recipe.kind}'" for recipe, _account, _sign in _SIDES)
_RETURNED = ", ".join(
    f"'{recipe.kind}'"
    for recipe in (recipes.CHARGE_RETURNED, recipes.PROMOTION_RETURNED, recipes.PLATFORM_FEE_RETURNED)
)
# `subject` is the charge or the return an entry is about; what undoes a return has its id with “.back” behind it, and
# so has a fee that is given back with one.
# What consultants earned stands once beside each charge and return, whatever of it was posted: a free consultation
# has no charge in the books, but its discount.
_REPORT = text(
    f"""WITH moved AS MATERIALIZED (
        SELECT e.kind, e.ref, l.currency, l.amount_minor * side.sign AS amount_minor,
            e.kind IN ({_RETURNED}) AS back, e.ref LIKE '%.back' AS undone,
            CASE WHEN split_part(e.ref, '.', 1) ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'
                THEN CAST(split_part(e.ref, '.', 1) AS uuid) END AS subject, e.organization_id
        FROM ledger_entries e
        JOIN (VALUES {_VALUES}) AS side (kind, account, sign) ON side.kind = e.kind
        JOIN ledger_lines l ON l.entry_id = e.id AND l.account = side.account
        WHERE e.kind IN ({_KINDS}) AND {journal.IN_SPAN}
    ), about AS (
        SELECT DISTINCT m.subject, m.back, m.undone, m.organization_id, m.currency,
            r.id AS return_id, r.kind AS return_kind, c.subject_id AS consultation_id
        FROM moved m
        LEFT JOIN charge_returns r ON r.id = m.subject
        LEFT JOIN charges c ON c.id = coalesce(r.charge_id, m.subject) AND c.subject_kind = 'consultation'
    ), part AS (
        SELECT a.organization_id, a.currency, a.consultation_id, 'consultants' AS what,
            CASE WHEN NOT a.back THEN k.consultant_minor
                ELSE (CASE WHEN a.undone THEN 1 ELSE -1 END) * coalesce((SELECT CAST(sum(b.amount_minor) AS bigint)
                    FROM consultation_returns b WHERE b.return_id = a.return_id), 0) END AS amount_minor
        FROM about a JOIN consultations k ON k.id = a.consultation_id
        WHERE EXISTS (SELECT FROM moved m WHERE m.subject = a.subject AND m.back = a.back AND m.undone = a.undone
            AND m.organization_id = a.organization_id AND m.currency = a.currency
            AND m.kind <> '{recipes.PROCESSOR_FEE.kind}')
        UNION ALL
        SELECT m.organization_id, m.currency, a.consultation_id,
            CASE WHEN m.kind = '{recipes.CHARGE_RETURNED.kind}' THEN a.return_kind ELSE m.kind END, m.amount_minor
        FROM moved m LEFT JOIN about a ON a.subject = m.subject AND a.back = m.back AND a.undone = m.undone
            AND a.organization_id = m.organization_id AND a.currency = m.currency
    ), named AS (
        SELECT p.currency, p.what, p.amount_minor, p.organization_id, coalesce(CAST(k.practice AS text), '') AS practice
        FROM part p LEFT JOIN consultations k ON k.id = p.consultation_id
    )
    SELECT grouping(practice) = 0 AS by_practice, grouping(n.organization_id) = 0 AS by_organization, n.currency,
        coalesce(practice, '') AS practice, n.organization_id, max(o.name) AS organization,
        count(*) FILTER (WHERE what = '{recipes.CHARGE_SUCCEEDED.kind}') AS charges,
        {", ".join(
            f"CAST(coalesce(sum(n.amount_minor) FILTER (WHERE what IN ({what})), 0) AS bigint) AS {name}"
            for name, what in (
                ("gross", f"'{recipes.CHARGE_SUCCEEDED.kind}'"),
                ("refunds", "'refund'"),
                ("disputes", "'dispute'"),
                ("promotions", f"'{recipes.PROMOTION_BORNE.kind}', '{recipes.PROMOTION_RETURNED.kind}'"),
                ("platform", f"'{recipes.PLATFORM_FEE.kind}', '{recipes.PLATFORM_FEE_RETURNED.kind}'"),
                ("consultants", "'consultants'"),
                ("processor_fees", f"'{recipes.PROCESSOR_FEE.kind}', '{recipes.PAYOUT_FEE.kind}'"),
                ("credits_expired", f"'{recipes.CREDITS_EXPIRED.kind}'"),
                ("billed", f"'{recipes.TOTAL_ROUNDED.kind}', '{recipes.MORE_BILLED.kind}'"),
            )
        )}
    FROM named n LEFT JOIN organizations o ON o.id = n.organization_id
    GROUP BY GROUPING SETS ((n.currency), (n.currency, practice), (n.currency, n.organization_id))
    ORDER BY n.currency, gross DESC, organization, practice"""
)  # fmt: skip


def report(session: Session, month: Month) -> Report:
    """One statement. Needs a platform scope."""
    totals: list[Figures] = []
    practices: list[Group] = []
    organizations: list[Group] = []
    for row in session.execute(_REPORT, journal.asked(month.since, month.until)):
        left = row.gross - row.refunds - row.disputes + row.promotions - row.platform - row.consultants
        figures = Figures(
            row.currency, row.charges, row.gross, row.refunds, row.disputes, row.promotions, row.platform, left,
            row.consultants, row.processor_fees, row.credits_expired, row.billed,
        )  # fmt: skip
        if row.by_practice:
            practices.append(Group(row.practice, None, figures))
        elif row.by_organization:
            organizations.append(Group(row.organization or "", row.organization_id, figures))
        else:
            totals.append(figures)
    return Report(totals, practices, organizations)


COLUMNS = ("month", "by", "name", "currency", "charges", *AMOUNTS)
JOURNAL = (
    "entry_id", "date", "kind", "account", "rail", "organization", "payee", "debit", "credit", "currency", "ref",
    "memo",
)  # fmt: skip


def rows(found: Report, month: Month) -> Iterator[tuple[object, ...]]:
    """The report for a file: amounts as decimals."""
    groups = [("total", "", one) for one in found.totals]
    groups += [("practice", one.name or "other", one.figures) for one in found.practices]
    groups += [("organization", one.name, one.figures) for one in found.organizations]
    for by, name, one in groups:
        amounts = (one.money(amount).plain() for amount in AMOUNTS)
        yield (str(month), by, name, one.currency, one.charges, *amounts)


def journal_rows(session: Session, month: Month) -> Iterator[tuple[object, ...]]:
    """Every line of the month's entries, read as it is taken; debits and credits of each currency at the end."""
    sums: dict[str, list[int]] = {}
    for line in journal.lines(session, month.since, month.until):
        debit, credit = max(line.amount_minor, 0), max(-line.amount_minor, 0)
        both = sums.setdefault(line.currency, [0, 0])
        both[0] += debit
        both[1] += credit
        yield (
            line.entry_id, line.created_at.isoformat(), line.kind, line.account, line.rail, line.organization,
            line.payee, _shown(debit, line.currency), _shown(credit, line.currency), line.currency, line.ref, line.memo,
        )  # fmt: skip
    for currency, (debit, credit) in sorted(sums.items()):
        totals = Money(debit, currency).plain(), Money(credit, currency).plain()
        yield ("total", "", "", "", "", "", "", *totals, currency, "", "")


def _shown(minor: int, currency: str) -> str:
    return Money(minor, currency).plain() if minor else ""
