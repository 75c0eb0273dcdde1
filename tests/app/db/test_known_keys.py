"""Keys that a trigger checks once a statement in place of a foreign key: a stranger's row is refused all the same."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.audit import service as audit
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from app.payouts import service
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def shop(database_url: str) -> Shop:
    """An organization whose first payee has a payout."""
    place = make.shop(2)
    make.earn(place, 10_00, payee=0)
    with unit_of_work(PLATFORM) as session:
        payee = make.payee_actor(place.payee_ids[0])
        service.withdraw(session, payee, organization_id=place.organization_id, currency="GBP")
    return place


ITEM = """INSERT INTO payout_items (payout_id, earning_id, organization_id, payee_id, amount_minor)
    SELECT {payout}, uuidv7(), p.organization_id, {payee}, 1 FROM payouts p"""


@pytest.mark.parametrize(
    "statement",
    [
        ITEM.format(payout="uuidv7()", payee="p.payee_id"),
        ITEM.format(payout="p.id", payee="(SELECT id FROM payees WHERE id <> p.payee_id LIMIT 1)"),
        """INSERT INTO ledger_lines (entry_id, organization_id, account, currency, amount_minor)
           SELECT n.entry_id, o.id, 'receivable', 'GBP', n.amount FROM organizations o
           CROSS JOIN (SELECT uuidv7() AS entry_id) e
           CROSS JOIN LATERAL (VALUES (e.entry_id, 1), (e.entry_id, -1)) AS n (entry_id, amount)""",
    ],
    ids=["item-of-no-payout", "item-of-another-payee", "line-of-no-entry"],
)
def test_a_row_that_belongs_nowhere_is_refused(shop: Shop, superuser, statement: str) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="belongs to no"):
        superuser.execute(statement)


def test_one_stranger_among_many_undoes_the_statement(shop: Shop, superuser) -> None:
    before = superuser.execute("SELECT count(*) FROM payout_items").fetchone()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        superuser.execute(
            ITEM.format(payout="CASE WHEN n = 500 THEN uuidv7() ELSE p.id END", payee="p.payee_id")
            + " CROSS JOIN generate_series(1, 1000) n"
        )
    assert superuser.execute("SELECT count(*) FROM payout_items").fetchone() == before


def test_books_and_timeline_name_known_organizations(shop: Shop) -> None:
    unknown = new_id()
    with pytest.raises(DBAPIError, match="unknown organization"), unit_of_work(PLATFORM) as session:
        ledger.post(
            session,
            recipes.DEPOSIT_CONFIRMED,
            ref="x",
            organization_id=unknown,
            amount=Money(1_00, "GBP"),
            rail="bank",
        )
    with pytest.raises(DBAPIError, match="unknown organization"), unit_of_work(PLATFORM) as session:
        audit.timeline(session, SYSTEM, "batch", new_id(), "draft", organization_id=unknown)


def test_what_the_keys_point_at_stays(shop: Shop, superuser) -> None:
    with pytest.raises(DBAPIError, match="payouts only grows"), unit_of_work(PLATFORM) as session:
        session.execute(text("DELETE FROM payouts"))
    superuser.execute("ALTER TABLE engagements DISABLE TRIGGER ALL; ALTER TABLE organizations DISABLE TRIGGER ALL")
    superuser.execute("ALTER TABLE organizations ENABLE TRIGGER organizations_with_books_stay")
    try:
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="with books stays"):
            superuser.execute("DELETE FROM organizations")
    finally:
        superuser.execute("ALTER TABLE engagements ENABLE TRIGGER ALL; ALTER TABLE organizations ENABLE TRIGGER ALL")


def test_the_check_looks_rows_up_even_when_it_was_planned_on_empty_tables(database_url: str, superuser) -> None:
    """A kept plan that read the whole table would make each posting slower than the last."""
    place = make.shop(1, funds=0)
    superuser.execute("VACUUM ANALYZE ledger_entries")

    def read_whole() -> int:
        superuser.execute("SELECT pg_stat_force_next_flush()")
        row = superuser.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'ledger_entries'").fetchone()
        return int(row[0])

    before = read_whole()
    with unit_of_work(PLATFORM) as session:
        for number in range(20):
            ledger.post(
                session,
                recipes.EARNING_READY,
                ref=str(number),
                organization_id=place.organization_id,
                payee_id=place.payee_ids[0],
                amount=Money(1_00, "GBP"),
            )
        session.execute(text("SELECT pg_stat_force_next_flush()"))
    assert read_whole() == before
