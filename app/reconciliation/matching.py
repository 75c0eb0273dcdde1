"""Lines that explain themselves: set-based, kind by kind, surest first. What is not sure waits for a person.

A reference counts with the same amount, currency and account only. A line that could be about two things, or a thing
that two lines could be about, is left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.scope import Actor
from app.db.planning import many_rows
from app.payouts import settling
from app.payouts.settling import News
from app.rails.base import Blame, Outcome, Result
from app.reconciliation import statements, targets
from app.reconciliation.states import TargetKind

K = TargetKind
AT_ONCE = 2_000  # news of payouts applied in one statement
# An attempt is debited this many days after it was sent, at the latest, to be found by its amount.
DAYS = 10

_LINE = """SELECT o.line_id, o.account, o.booked_on, o.currency, o.amount_minor, l.tokens,
    upper(regexp_replace(l.reference || ' ' || l.description || ' ' || l.counterparty, '[^A-Za-z0-9]', '', 'g'))
        AS words
    FROM open_statement_lines o JOIN statement_lines l ON l.id = o.line_id
    WHERE o.write_off_id IS NULL AND o.amount_minor {side} 0"""
_SAME = "c.currency = l.currency AND c.account = l.account AND c.amount_minor = l.amount_minor"
_ONE = "1 AS lines, 1 AS targets"
_BY_TOKEN = f"""SELECT l.line_id, c.target_id, c.how, c.rank, {_ONE} FROM line l
    CROSS JOIN LATERAL unnest(l.tokens) AS t (token) JOIN candidate c ON c.token = t.token AND {_SAME}
    AND c.day <= l.booked_on + 1"""
_BY_TEXT = f"""SELECT l.line_id, c.target_id, c.how, c.rank, {_ONE} FROM line l JOIN candidate c ON {_SAME}
    AND length(c.token) >= 4 AND strpos(l.words, c.token) > 0 AND l.booked_on BETWEEN c.day - 7 AND c.day + 45"""
# Nothing tells lines of one day and amount apart, nor targets: one stands for all of them, with their number. Each pair
# would be a row otherwise, and a day of twenty thousand equal payouts four hundred million.
_BY_AMOUNT = f"""SELECT l.line_id, c.target_id, '{{how}}' AS how, 0 AS rank, l.alike AS lines, c.alike AS targets
    FROM (SELECT account, currency, amount_minor, booked_on, count(*) AS alike, (array_agg(line_id))[1] AS line_id
        FROM line GROUP BY account, currency, amount_minor, booked_on) l
    JOIN (SELECT account, currency, amount_minor, day, count(*) AS alike, (array_agg(target_id))[1] AS target_id
        FROM candidate GROUP BY account, currency, amount_minor, day) c
    ON {_SAME} AND l.booked_on BETWEEN c.day - 1 AND c.day + {DAYS}"""
_RUN = """WITH line AS ({line}), candidate AS ({candidate}), hit AS ({hit}),
best AS (SELECT *, min(rank) OVER (PARTITION BY line_id) AS lowest FROM hit),
pair AS (SELECT line_id, target_id, min(how) AS how, max(lines) AS lines, max(targets) AS targets FROM best
    WHERE rank = lowest GROUP BY line_id, target_id),
counted AS (SELECT line_id, target_id, how, sum(targets) OVER (PARTITION BY line_id) AS targets,
    sum(lines) OVER (PARTITION BY target_id) AS lines FROM pair),
sole AS MATERIALIZED (
    SELECT line_id, target_id, how, uuidv7() AS match_id FROM counted WHERE targets = 1 AND lines = 1
),
gone AS (
    DELETE FROM open_statement_lines o USING sole s WHERE o.line_id = s.line_id
    RETURNING o.line_id, o.booked_on, o.amount_minor, s.match_id, s.target_id, s.how
), made AS (
    INSERT INTO statement_matches (id, line_id, resolution, how, made_by, made_by_account_id)
    SELECT match_id, line_id, 'matched', how, :actor, CAST(:account_id AS uuid) FROM gone
), part AS (
    INSERT INTO statement_match_parts (match_id, position, kind, target_id, amount_minor)
    SELECT match_id, 1, :kind, target_id, amount_minor FROM gone
), took AS (
    INSERT INTO taken_targets (kind, target_id, match_id) SELECT :kind, target_id, match_id FROM gone
)
SELECT line_id, booked_on, target_id FROM gone"""


@dataclass(frozen=True, slots=True)
class _Pass:
    """One statement: which lines are tried against which targets, and by what."""

    kind: TargetKind
    hit: str
    named: bool = True  # candidates with all they are known by, or bare

    def sql(self) -> str:
        side = "<" if self.kind in targets.kinds_for(-1) else ">"
        which = _RECENT.get(self.kind, "")
        if self.named:
            candidate = targets.with_tokens(self.kind, which)
        else:
            candidate = targets.BASE[self.kind] + which + _NEVER_BY_AMOUNT.get(self.kind, "")
        return _RUN.format(line=_LINE.format(side=side), candidate=candidate, hit=self.hit)


# What was sent long before the oldest open line is not looked at again.
_OLD = "(SELECT min(booked_on) - 120 FROM open_statement_lines)"
_RECENT = {K.PAYOUT: f" AND a.created_at >= {_OLD}", K.RETURN: f" AND a.created_at >= {_OLD}"}
# An attempt that failed is taken for debited only where the bank names it.
_NEVER_BY_AMOUNT = {K.PAYOUT: " AND a.status <> 'failed'"}
_PASSES = (
    _Pass(K.PAYOUT, _BY_TOKEN),
    _Pass(K.EXPORT, _BY_TOKEN),
    _Pass(K.RETURN, _BY_TOKEN),
    _Pass(K.DEPOSIT, _BY_TEXT),
    _Pass(K.INVOICE_PAYMENT, _BY_TEXT),
    _Pass(K.TRANSFER_OUT, _BY_TEXT),
    _Pass(K.TRANSFER_IN, _BY_TEXT),
    _Pass(K.EXPORT, _BY_AMOUNT.format(how="export"), named=False),
    _Pass(K.PAYOUT, _BY_AMOUNT.format(how="amount"), named=False),
)


def run(session: Session, actor: Actor) -> Counter[TargetKind]:
    """Match what is sure among all open lines; how many by kind. Payouts by file or check become PAID or RETURNED."""
    statements.hold_desk(session)
    found: Counter[TargetKind] = Counter()
    asked = {"actor": actor.label, "account_id": actor.account_id}
    for one in _PASSES:
        with many_rows(session):
            rows = session.execute(text(one.sql()), {**asked, "kind": one.kind.value}).all()
        found[one.kind] += len(rows)
        settle(session, actor, one.kind, rows)
    return found


_KEYS = {
    K.PAYOUT: "a.id = ANY(:ids)",
    K.RETURN: "a.id = ANY(:ids)",
    K.EXPORT: "a.export_id = ANY(:ids)",
}
_TOLD = """SELECT a.key, {target} AS target_id FROM payout_attempts a
    WHERE {which} AND a.export_id IS NOT NULL AND a.status = ANY(:states)"""


def settle(session: Session, actor: Actor, kind: TargetKind, rows: Sequence[Any]) -> None:
    """The bank's statement is the last word for payouts by file or check: debited is paid, credited is returned.

    `rows` have line_id, booked_on and target_id. Other rails say themselves what became of a payout.
    """
    if kind not in _KEYS or not rows:
        return
    lines = {row.target_id: row for row in rows}
    target = "a.export_id" if kind is K.EXPORT else "a.id"
    back = kind is K.RETURN
    query = text(_TOLD.format(target=target, which=_KEYS[kind]))
    states = ["accepted", "succeeded"] if back else ["accepted"]
    told = session.execute(query, {"ids": list(lines), "states": states}).all()
    news = [
        News(
            _returned(row.key) if back else Result(row.key, Outcome.PAID),
            "statement",
            {"line": str(lines[row.target_id].line_id), "booked_on": lines[row.target_id].booked_on.isoformat()},
        )
        for row in told
    ]
    for start in range(0, len(news), AT_ONCE):
        settling.apply(session, actor, news[start : start + AT_ONCE])


def _returned(key: str) -> Result:
    return Result(
        key, Outcome.RETURNED, code="returned", message="The bank sent the money back.",
        cure="Check the bank details; then it can be sent again.", blame=Blame.PAYEE,
    )  # fmt: skip


def line_rows(line_id: UUID, booked_on: Any, target_ids: Sequence[UUID]) -> list[Any]:
    """What `settle` takes, for a match made by hand."""
    return [_Row(line_id, booked_on, target_id) for target_id in target_ids]


@dataclass(frozen=True, slots=True)
class _Row:
    line_id: UUID
    booked_on: Any
    target_id: UUID
