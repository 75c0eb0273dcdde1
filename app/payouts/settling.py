"""What rails say becomes state: attempts and payouts move forward only, the books follow, in one place for all rails.

Answers of a call, look-ups, webhooks and return files all end here. Applying the same news twice, or in the wrong
order, changes nothing: a state only moves along its transitions and every posting has its own reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.scope import Actor
from app.core.topics import Topic
from app.db import outbox
from app.ledger import recipes
from app.ledger import service as ledger
from app.payouts import contradictions
from app.payouts.moves import give_back, move
from app.payouts.states import ATTEMPT_TRANSITIONS, AttemptStatus, PayoutStatus
from app.rails import accounts
from app.rails.base import Blame, Outcome, Result


@dataclass(frozen=True, slots=True)
class News:
    """One result and where we know it from (kept as evidence on the attempt)."""

    result: Result
    source: str  # "answer", "look-up", "event", "return file", "statement", "person"
    evidence: Mapping[str, str] = field(default_factory=dict)


_ADVANCE = text(
    """WITH news AS (
        SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:references AS text[]), CAST(:codes AS text[]),
            CAST(:messages AS text[]), CAST(:evidence AS text[]), CAST(:fees AS bigint[]), CAST(:currencies AS text[]))
            AS n (key, reference, code, message, evidence, fee_minor, fee_currency)
    ), old AS (
        SELECT a.id, a.status FROM payout_attempts a JOIN news ON news.key = a.key
        WHERE a.status = ANY(:sources) ORDER BY a.id FOR UPDATE OF a
    )
    UPDATE payout_attempts a SET status = CAST(:to AS text),
        rail_reference = coalesce(nullif(news.reference, ''), a.rail_reference),
        error_code = coalesce(nullif(news.code, ''), a.error_code),
        error_message = coalesce(nullif(news.message, ''), a.error_message),
        answered_at = coalesce(a.answered_at, CAST(:now AS timestamptz)),
        settled_at = CASE WHEN CAST(:to AS text) IN ('succeeded', 'failed', 'returned')
            THEN CAST(:now AS timestamptz) ELSE a.settled_at END,
        fee_minor = coalesce(news.fee_minor, a.fee_minor), fee_currency = coalesce(news.fee_currency, a.fee_currency),
        evidence = coalesce(a.evidence, CAST('{}' AS jsonb)) || CAST(news.evidence AS jsonb)
    FROM news, old WHERE old.id = a.id AND news.key = a.key
    RETURNING a.key, a.payout_id, old.status AS from_state"""
)


def apply(session: Session, actor: Actor, news: Iterable[News]) -> dict[Outcome, list[UUID]]:
    """Apply news about any number of attempts; returns the payouts that really moved, by outcome."""
    latest: dict[Outcome, dict[str, News]] = {}
    for item in news:
        latest.setdefault(item.result.outcome, {})[item.result.key] = item
    moved: dict[Outcome, list[UUID]] = {}
    for outcome in (Outcome.ACCEPTED, Outcome.WAITING, Outcome.PAID, Outcome.FAILED, Outcome.RETURNED):
        items = latest.get(outcome)
        if items:
            moved[outcome] = _STEP[outcome](session, actor, list(items.values()))
    session.expire_all()
    return moved


@dataclass(frozen=True, slots=True)
class _Advanced:
    key: str
    payout_id: UUID
    from_state: AttemptStatus


def _advance(session: Session, to: AttemptStatus, news: Sequence[News]) -> list[_Advanced]:
    sources = [state.value for state, targets in ATTEMPT_TRANSITIONS.items() if to in targets]
    session.flush()
    rows = session.execute(
        _ADVANCE,
        {
            "keys": [n.result.key for n in news],
            "references": [n.result.reference for n in news],
            "codes": [n.result.code for n in news],
            "messages": [n.result.message for n in news],
            "evidence": [json.dumps({to.value: {"by": n.source, **n.evidence}}) for n in news],
            "fees": [n.result.fee.minor if n.result.fee else None for n in news],
            "currencies": [n.result.fee.currency if n.result.fee else None for n in news],
            "sources": sources,
            "to": to.value,
            "now": utc_now(),
        },
    )
    return [_Advanced(row.key, row.payout_id, AttemptStatus(row.from_state)) for row in rows]


# Money of an attempt; the reference of its postings is the attempt's key.
# Each leaves the account its rail pays from.
OF_ATTEMPTS = f"""SELECT a.key AS ref, p.organization_id, p.payee_id, {accounts.sql("a.rail")} AS rail, p.currency,
    p.amount_minor, CAST(NULL AS text) AS memo
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id WHERE a.key = ANY(:keys)"""


_FEES = f"""SELECT a.key AS ref, a.organization_id, a.payee_id, {accounts.sql("a.rail")} AS rail,
    a.fee_currency AS currency, a.fee_minor AS amount_minor, CAST(NULL AS text) AS memo
    FROM payout_attempts a WHERE a.key = ANY(:keys) AND a.fee_minor > 0"""


def _post(session: Session, recipe: recipes.Recipe, keys: Sequence[str]) -> None:
    if keys:
        ledger.post_from(session, recipe, OF_ATTEMPTS, {"keys": list(keys)})


def _accepted(session: Session, actor: Actor, news: Sequence[News]) -> list[UUID]:
    advanced = _advance(session, AttemptStatus.ACCEPTED, news)
    _post(session, recipes.PAYOUT_SENT, [a.key for a in advanced])
    _note_sent(session, actor, [a.payout_id for a in advanced])
    return [a.payout_id for a in advanced]


_WAITS = text(
    """WITH news AS (
        SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:messages AS text[]), CAST(:cures AS text[]))
            AS n (key, message, cure)
    ), told AS (
        UPDATE payouts p SET waiting_message = news.message, waiting_cure = news.cure
        FROM news JOIN payout_attempts a ON a.key = news.key
        WHERE p.id = a.payout_id AND a.status = 'accepted' AND p.status = 'processing'
            AND p.waiting_message IS DISTINCT FROM news.message
        RETURNING p.id, p.organization_id, p.payee_id, p.waiting_message
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
        SELECT organization_id, payee_id, 'payout', id, :now, :actor, 'processing', 'processing', waiting_message
        FROM told
    ) SELECT id FROM told ORDER BY id"""
)


def _waiting(session: Session, actor: Actor, news: Sequence[News]) -> list[UUID]:
    """Taken by the rail, and the payee has something to do before it reaches them: they are told once."""
    moved = _accepted(session, actor, news)
    values = {
        "keys": [n.result.key for n in news],
        "messages": [n.result.message or "The payee has to claim it." for n in news],
        "cures": [n.result.cure for n in news],
    }
    told = list(session.execute(_WAITS, {**values, "now": utc_now(), "actor": actor.label}).scalars())
    announce(session, told, "waiting")
    return moved


_NOTE_SENT = text(
    """INSERT INTO timeline_events
        (organization_id, payee_id, subject_kind, subject_id, at, actor, from_state, to_state, note)
    SELECT organization_id, payee_id, 'payout', id, :now, :actor, 'processing', 'processing',
        'Accepted by the rail; on its way.'
    FROM payouts WHERE id = ANY(:ids)"""
)


def _note_sent(session: Session, actor: Actor, ids: Sequence[UUID]) -> None:
    if ids:
        session.execute(_NOTE_SENT, {"ids": list(ids), "now": utc_now(), "actor": actor.label})


def _paid(session: Session, actor: Actor, news: Sequence[News]) -> list[UUID]:
    advanced = _advance(session, AttemptStatus.SUCCEEDED, news)
    keys = [a.key for a in advanced]
    # The event may overtake the answer of the call: "sent" is posted here too, once.
    _post(session, recipes.PAYOUT_SENT, keys)
    _post(session, recipes.PAYOUT_PAID, keys)
    if any(n.result.fee for n in news) and keys:
        ledger.post_from(session, recipes.PAYOUT_FEE, _FEES, {"keys": keys})
    paid = move(session, actor, [a.payout_id for a in advanced], PayoutStatus.PAID, note="The rail confirmed it.")
    announce(session, paid, "paid")
    _contradict(session, actor, news, keys, AttemptStatus.FAILED)
    return paid


def _contradict(
    session: Session, actor: Actor, news: Sequence[News], moved: Sequence[str], ended: AttemptStatus
) -> None:
    late = set(moved)
    against = {n.result.key: (n.source, n.result.reference) for n in news if n.result.key not in late}
    contradictions.mark(session, actor, against, ended)


_FAILURE = text(
    """UPDATE payouts p SET failure_code = n.code, failure_message = n.message, failure_cure = n.cure
    FROM unnest(CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:messages AS text[]), CAST(:cures AS text[]))
        AS n (id, code, message, cure) WHERE p.id = n.id"""
)


def _explain(session: Session, advanced: Sequence[_Advanced], news: Sequence[News]) -> None:
    by_key = {n.result.key: n.result for n in news}
    results = [by_key[a.key] for a in advanced]
    session.execute(
        _FAILURE,
        {
            "ids": [a.payout_id for a in advanced],
            "codes": [f"{(r.blame or Blame.PERMANENT).value}:{r.code}" for r in results],
            "messages": [r.message or "The rail refused it." for r in results],
            "cures": [r.cure for r in results],
        },
    )


def _failed(session: Session, actor: Actor, news: Sequence[News]) -> list[UUID]:
    advanced = _advance(session, AttemptStatus.FAILED, news)
    _post(session, recipes.PAYOUT_BOUNCED, [a.key for a in advanced if a.from_state is AttemptStatus.ACCEPTED])
    _contradict(session, actor, news, [a.key for a in advanced], AttemptStatus.SUCCEEDED)
    return _money_back(session, actor, advanced, news, PayoutStatus.FAILED, "failed")


def _returned(session: Session, actor: Actor, news: Sequence[News]) -> list[UUID]:
    advanced = _advance(session, AttemptStatus.RETURNED, news)
    keys = {a.key for a in advanced}
    _post(session, recipes.PAYOUT_RETURNED, sorted(keys))
    moved = _money_back(session, actor, advanced, news, PayoutStatus.RETURNED, "returned")
    # Its "paid" was lost or is late: the money came back all the same, and a later "paid" finds a final state.
    early = [
        replace(n, evidence={**n.evidence, contradictions.CAME_BACK: "before it was paid"})
        for n in news
        if n.result.key not in keys
    ]
    return moved + (_failed(session, actor, early) if early else [])


def _money_back(
    session: Session,
    actor: Actor,
    advanced: Sequence[_Advanced],
    news: Sequence[News],
    to: PayoutStatus,
    mail: str,
) -> list[UUID]:
    if not advanced:
        return []
    _explain(session, advanced, news)
    notes: dict[str, list[UUID]] = {}
    by_key = {n.result.key: n.result for n in news}
    for item in advanced:
        notes.setdefault(by_key[item.key].message or "The rail refused it.", []).append(item.payout_id)
    moved = [
        payout_id
        for note, ids in notes.items()
        for payout_id in move(session, actor, ids, to, note=f"{note} The money is back in the balance.")
    ]
    give_back(session, moved)
    announce(session, moved, mail)
    return moved


def announce(session: Session, ids: Sequence[UUID], what: str) -> None:
    """Have payees told of these payouts, each once."""
    for start in range(0, len(ids), 100):
        outbox.emit(session, Topic.PAYOUTS_SETTLED, payout_ids=ids[start : start + 100], outcome=what)


_STEP = {
    Outcome.ACCEPTED: _accepted,
    Outcome.WAITING: _waiting,
    Outcome.PAID: _paid,
    Outcome.FAILED: _failed,
    Outcome.RETURNED: _returned,
}
