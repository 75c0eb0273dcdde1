"""A payee with a hundred thousand lines: the list and the statement cost what they cost with a hundred."""

from __future__ import annotations

import csv
import gzip
import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import event

from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import operator
from app.db.session import engine, unit_of_work
from app.earnings import recording
from app.earnings.models import EarningKind
from app.earnings.recording import NewEarning
from app.identity.states import Portal
from tests.factories.people import PLATFORM
from tests.portals.payee.conftest import Vendor, World

FEW, MANY = 100, 100_000
LIST, NARROWED = "/creator/payments", "/creator/payments?organization=oxford"
PAGES = (LIST, NARROWED, f"{LIST}?tab=bills", f"{LIST}?tab=payouts", f"{LIST}/statements", "/creator/?span=year")


@contextmanager
def statements() -> Iterator[list[str]]:
    """What a request sends to the database, but for those that only state the scope."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "set_config" not in statement:
            seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)


def earn(organization_id: UUID, payee_id: UUID) -> None:
    """The first lines, through the service: half of them held, one in fifty taken back."""
    now = utc_now()
    rows = [
        NewEarning(
            organization_id=organization_id,
            payee_id=payee_id,
            amount=Money(-1_00 if number % 50 == 49 else 2_00 + number % 7, "GBP"),
            kind=EarningKind.COMMISSION,
            rule="commission",
            source_kind="order",
            source_id=UUID(int=number + 1),
            earned_on=(now - timedelta(days=number % 300)).date(),
            description=f"Commission on order #{number}",
            reference=f"#{number}",
            available_at=now + timedelta(days=number % 2 * 10 - 1),
        )
        for number in range(FEW)
    ]
    with unit_of_work(PLATFORM) as session:
        recording.record_many(session, operator(), rows)


# Each earning of `earn` a thousand times over with its entry and lines, all of one moment.
_AS_OFTEN = f"""
WITH sides AS (
    SELECT n.kind, l.account, l.rail, l.payee_id, sign(l.amount_minor * e.amount_minor) AS sign
    FROM ledger_entries n JOIN ledger_lines l ON l.entry_id = n.id JOIN earnings e ON CAST(e.id AS text) = n.ref
    GROUP BY 1, 2, 3, 4, 5
), made AS (
    INSERT INTO earnings (id, organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule, share_bps,
        source_kind, source_id, earned_on, description, reference)
    SELECT uuidv7(), organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule, share_bps,
        source_kind, gen_random_uuid(), earned_on, description || '-' || n, reference || '-' || n
    FROM earnings, generate_series(1, {MANY // FEW - 1}) n
    RETURNING *, mod(CAST(substring(reference FROM '[0-9]+') AS int), 2) = 1 AS waits
), held AS (
    INSERT INTO held_earnings (earning_id, organization_id, payee_id, currency, amount_minor, reason, available_at)
    SELECT id, organization_id, payee_id, currency, amount_minor, 'terms', now() + interval '9 days' FROM made
    WHERE waits
), ready AS (
    INSERT INTO ready_earnings (earning_id, organization_id, payee_id, currency, amount_minor)
    SELECT id, organization_id, payee_id, currency, amount_minor FROM made WHERE NOT waits
), entry AS (
    INSERT INTO ledger_entries (organization_id, payee_id, kind, ref)
    SELECT organization_id, payee_id, CASE WHEN waits THEN 'earning_held' ELSE 'earning_ready' END, CAST(id AS text)
    FROM made RETURNING id, kind, ref
)
INSERT INTO ledger_lines (entry_id, organization_id, payee_id, account, rail, currency, amount_minor)
SELECT entry.id, made.organization_id, sides.payee_id, sides.account, sides.rail, made.currency,
    made.amount_minor * sides.sign
FROM entry JOIN made ON CAST(made.id AS text) = entry.ref JOIN sides ON sides.kind = entry.kind
"""
_BALANCES = f"UPDATE ledger_balances SET balance_minor = balance_minor * {MANY // FEW}"
_TABLES = "earnings, held_earnings, ready_earnings, ledger_lines, ledger_entries"


def as_often(superuser: Any) -> None:
    superuser.execute("SET session_replication_role = replica")  # the zero sum is checked below, not line by line
    superuser.execute(_AS_OFTEN)
    superuser.execute(_BALANCES)
    superuser.execute("SET session_replication_role = DEFAULT")
    assert superuser.execute("SELECT count(*), sum(amount_minor) FROM ledger_lines").fetchone() == (2 * MANY, 0)
    superuser.execute(f"ANALYZE {_TABLES}")


def counted(creator: Vendor, path: str) -> int:
    """Statements of a page that stays within its budgets."""
    with statements() as seen:
        started = time.perf_counter()
        answer = creator.browser.get(path)
        took = time.perf_counter() - started
    assert answer.status_code == 200, path
    assert len(gzip.compress(answer.data, 6)) <= 15_000, path
    assert len(re.findall(r"<[a-z][a-z0-9-]*[ >]", answer.text)) <= 1_500, path
    assert took < 5, f"{path}: {took:.1f} s"  # a scan of every line for each line takes minutes
    return len(seen)


def test_a_hundred_thousand_lines_cost_no_more_than_a_hundred(world: World, superuser: Any) -> None:
    creator = world.payee(Portal.CREATOR, "Ana Sol")
    earn(world.organization_id, creator.payee_id)
    few = {path: counted(creator, path) for path in PAGES}
    as_often(superuser)
    many = {path: counted(creator, path) for path in PAGES}
    assert many == few and max(many.values()) <= 17
    pages_by_key(creator)
    csv_is_whole(creator)


def pages_by_key(creator: Vendor) -> None:
    """Each line once, also where thousands were written at the same moment; back leads to where one came from."""
    seen: list[str] = []
    at = LIST
    for _page in range(4):
        answer = creator.browser.get(at)
        seen += re.findall(r'id="earning-([0-9a-f-]{36})"', answer.text)
        at = re.findall(r'rel="next" href="([^"]+)"', answer.text)[0].replace("&amp;", "&")
        assert "OFFSET" not in at and "cursor=" in at
    assert len(seen) == len(set(seen)) == 100
    with statements() as sent:
        part = creator.browser.htmx("GET", at)
    assert part.text.lstrip().startswith("<section") and len(gzip.compress(part.data, 6)) <= 8_000
    assert not [one for one in sent if re.search(r"\bOFFSET\b", one, re.IGNORECASE)]
    newer = re.findall(r'rel="prev" href="([^"]+)"', part.text)[0].replace("&amp;", "&")
    assert re.findall(r'id="earning-([0-9a-f-]{36})"', creator.browser.get(newer).text) == seen[-25:]


def csv_is_whole(creator: Vendor) -> None:
    """The month's statement holds every line and adds up, and is sent in parts; paper says that it is too long."""
    month = f"{utc_now():%Y-%m}"
    with statements() as sent:
        answer = creator.browser.get(f"{LIST}/statement.csv?month={month}", buffered=False)
        parts = list(answer.iter_encoded())
    assert answer.status_code == 200 and len(parts) >= MANY / 2_000
    assert len(sent) <= 10 + MANY / 2_000  # one look-up of words for each part
    rows = list(csv.DictReader(io.StringIO(b"".join(parts).decode("utf-8-sig"))))
    assert len(rows) == MANY + 2
    pence = sum(round(float(row["amount"] or 0) * 100) for row in rows)
    assert pence == round(float(rows[-1]["balance"]) * 100) > 0
    assert len({row["reference"] for row in rows[1:-1]}) == MANY
    paper = creator.browser.get(f"{LIST}/statement.pdf?month={month}")
    assert paper.status_code == 422 and "Download it as a CSV" in paper.text
