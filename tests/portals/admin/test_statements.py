"""No page asks the database more because it shows more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from app.core.scope import Actor
from app.db.session import engine, unit_of_work
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import withdrawn
from tests.portals.conftest import Browser

MOST = 13  # session, scope and counts beside the links included


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to the database within the block, but for stating the scope of a transaction."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "set_config" not in statement:
            sent.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    yield sent
    event.remove(engine(), "before_cursor_execute", note)


@pytest.fixture
def crowd(place: Shop, checker: Actor) -> UUID:
    """Fifty of everything a list shows; returns a batch of 50 payouts in review."""
    payout_id = withdrawn(place)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE payouts SET first_approved_at = NULL"))
        for table, columns, more in (
            (
                "payouts",
                "organization_id, payee_id, amount_minor, currency, rail, method_id, origin, status, requested_by",
                "",
            ),
            (
                "audit_records",
                "organization_id, account_id, actor, role, action, subject_kind, subject_id, detail",
                " LIMIT 50",
            ),
        ):
            session.execute(
                text(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}, generate_series(1, 50){more}")
            )
        session.execute(
            text(
                """INSERT INTO batches (organization_id, number, title, status, created_by)
                SELECT organization_id, 'PB-' || n, 'Run', 'submitted', 'x' FROM payouts, generate_series(1, 50) n
                WHERE payouts.id = :id"""
            ),
            {"id": payout_id},
        )
        batch_id: UUID = session.execute(text("SELECT id FROM batches ORDER BY number LIMIT 1")).scalar_one()
        session.execute(
            text(
                """INSERT INTO payouts (batch_id, organization_id, payee_id, amount_minor, currency, rail, method_id,
                    origin, status, requested_by)
                SELECT :b, organization_id, payee_id, amount_minor, currency, rail, method_id,
                    origin, status, requested_by FROM payouts WHERE id <> :id"""
            ),
            {"b": batch_id, "id": payout_id},
        )
        session.execute(
            text(
                """INSERT INTO payout_approvals
                    (organization_id, payee_id, payout_id, account_id, approved_by, content_sha256)
                SELECT organization_id, payee_id, id, :account, 'Checker', 'old' FROM payouts"""
            ),
            {"account": checker.account_id},
        )
        session.execute(
            text(
                """INSERT INTO deposits
                    (organization_id, amount_minor, currency, reference, sent_on, announced_by, status)
                SELECT organization_id, 100, 'GBP', 'R' || n, '2026-11-20', 'x', 'announced'
                FROM payouts, generate_series(1, 50) n WHERE payouts.id = :id"""
            ),
            {"id": payout_id},
        )
    for n in range(12):
        make.earn(place, 10_00, payee=n % 4)
    return batch_id


def test_lists_of_fifty_stay_within_the_budget(browser: Browser, crowd: UUID, place: Shop) -> None:
    pages = (
        "/admin/", "/admin/payouts", "/admin/payouts?view=failed&organization=shop&q=vendor", "/admin/batches",
        f"/admin/batches/{crowd}", "/admin/batches/new", "/admin/batches/new?organization=shop", "/admin/exports",
        "/admin/payees", "/admin/organizations", "/admin/organizations/shop", "/admin/deposits?state=all",
        "/admin/webhooks", "/admin/audit", "/admin/ledger?organization=shop",
    )  # fmt: skip
    found: dict[str, int] = {}
    for page in pages:
        with statements() as sent:
            assert browser.get(page).status_code == 200
        found[page] = len(sent)
    assert {page: n for page, n in found.items() if n > MOST} == {}


def test_detail_pages_do_not_grow(browser: Browser, place: Shop) -> None:
    def cost(path: str) -> int:
        with statements() as sent:
            assert browser.get(path).status_code == 200
        return len(sent)

    few = withdrawn(place, 10_00)
    make.earn(place, *[5_00] * 30, payee=1)
    many = withdrawn(place, 5_00, payee=1)
    assert cost(f"/admin/payouts/{few}") == cost(f"/admin/payouts/{many}") <= MOST
    empty, full = place.payee_ids[3], place.payee_ids[1]
    assert cost(f"/admin/payees/{full}") <= cost(f"/admin/payees/{empty}") + 3
    assert cost(f"/admin/payees/{full}") <= 16


def test_a_bulk_change_does_not_ask_for_each_row(browser: Browser, place: Shop) -> None:
    def cost(ids: list[UUID]) -> int:
        with statements() as sent:
            answer = browser.htmx("POST", "/admin/payouts/approvals", {"id": [str(i) for i in ids]})
            assert answer.status_code == 200, answer.text
        return len([s for s in sent if not s.startswith("INSERT INTO audit_records")])

    one = cost([withdrawn(place)])
    assert cost([withdrawn(place, payee=n % 4) for n in range(10)]) <= one + 2
