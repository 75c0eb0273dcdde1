"""`/api/admin/payouts` read: filters, rows, pages, one payout whole, and who finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import event

from app.core.scope import Actor
from app.db.session import engine, unit_of_work
from app.identity.states import Portal
from app.payouts import service
from app.rails import registry
from jobs import payouts as jobs
from portals.api.payout_json import PROVIDERS
from tests.factories import payouts as make
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes.rail import fake_rail
from tests.portals.admin.conftest import approved, withdrawn
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser

HERE = "/api/admin/payouts"
FIELDS = {
    "id", "payeeId", "doctorId", "payeeName", "status", "provider", "providerReference", "amountDue", "currency",
    "periodStart", "periodEnd", "createdAt", "processedAt", "notes",
}  # fmt: skip


def rows(browser: Browser, query: str = "") -> list[dict[str, Any]]:
    answer = browser.get(f"{HERE}?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def ids(browser: Browser, query: str = "") -> set[str]:
    return {row["id"] for row in rows(browser, query)}


def test_every_rail_has_its_name() -> None:
    assert sorted(PROVIDERS.values()) == sorted(registry.RAILS)


def test_a_row_has_the_fields_of_the_contract(browser: Browser, place: Shop) -> None:
    payout_id = withdrawn(place, 123_45)
    (row,) = rows(browser)
    assert set(row) == FIELDS
    assert row | {"createdAt": ""} == {
        "id": str(payout_id), "payeeId": str(place.payee_ids[0]), "doctorId": None, "payeeName": "Vendor 000",
        "status": "PENDING", "provider": "SIMULATED", "providerReference": None, "amountDue": "123.45",
        "currency": "GBP", "periodStart": "2026-11-01", "periodEnd": "2026-11-01",
        "createdAt": "", "processedAt": None, "notes": None,
    }  # fmt: skip
    assert row["createdAt"].endswith("+00:00")


def test_filters_narrow(browser: Browser, admin: Actor, place: Shop, superuser: psycopg.Connection[Any]) -> None:
    first, yes = str(withdrawn(place)), str(approved(place, admin, payee=1))
    elsewhere = make.shop(1, slug="elsewhere")
    away = str(withdrawn(elsewhere))
    assert ids(browser) == {first, yes, away}
    assert ids(browser, "status=APPROVED") == ids(browser, "status=approved") == {yes}
    assert ids(browser, "status=PENDING,APPROVED&organization=shop") == {first, yes}
    assert ids(browser, f"organization={elsewhere.organization_id}") == ids(browser, "organization=elsewhere") == {away}
    assert ids(browser, f"payee={place.payee_ids[0]}") == {first}
    assert ids(browser, f"doctor={place.payee_ids[0]}") == set()
    superuser.execute("UPDATE payees SET kind = 'consultant' WHERE id = %s", [place.payee_ids[0]])
    (row,) = rows(browser, f"doctor={place.payee_ids[0]}")
    assert row["doctorId"] == row["payeeId"] == str(place.payee_ids[0])
    assert ids(browser, f"doctor={place.payee_ids[0]}&payee={place.payee_ids[1]}") == set()
    superuser.execute("UPDATE payouts SET rail = 'bank_file' WHERE id = %s", [first])
    assert ids(browser, "provider=BANK_TRANSFER") == {first}
    superuser.execute("UPDATE payouts SET created_at = '2026-03-31 23:59:59+00' WHERE id = %s", [first])
    assert ids(browser, "startDate=2026-03-31&endDate=2026-03-31") == {first}
    assert ids(browser, "start_date=2026-04-01") == {yes, away}


def test_completed_means_paid(browser: Browser, admin: Actor, place: Shop, superuser: psycopg.Connection[Any]) -> None:
    payout_id = approved(place, admin)
    with fake_rail():
        jobs.send_payouts([str(payout_id)], str(place.organization_id), admin.label, str(admin.account_id))
    (row,) = rows(browser, "status=PROCESSING")
    assert row["providerReference"] and row["processedAt"] is None
    superuser.execute("UPDATE payouts SET status = 'paid', paid_at = now() WHERE id = %s", [payout_id])
    (row,) = rows(browser, "status=COMPLETED")
    assert row["status"] == "PAID" and row["processedAt"].endswith("+00:00")
    assert rows(browser, "status=PAID") == [row]


def test_a_run_says_its_month(browser: Browser, place: Shop, superuser: psycopg.Connection[Any]) -> None:
    payout_id = withdrawn(place)
    superuser.execute(
        "UPDATE payouts SET schedule = 'month', period_start = '2026-10-01', period_end = '2026-10-31' WHERE id = %s",
        [payout_id],
    )
    (row,) = rows(browser)
    assert (row["periodStart"], row["periodEnd"]) == ("2026-10-01", "2026-10-31")


def test_pages_by_cursor_and_by_counting(browser: Browser, place: Shop) -> None:
    made = [str(withdrawn(place, payee=n)) for n in range(4)][::-1]
    first = browser.get(f"{HERE}?limit=3").get_json()
    rest = browser.get(f"{HERE}?limit=3&cursor={first['nextCursor']}").get_json()
    assert [row["id"] for row in first["data"] + rest["data"]] == made and rest["nextCursor"] is None
    skipped = browser.get(f"{HERE}?skip=1&limit=2").get_json()
    assert [row["id"] for row in skipped["data"]] == made[1:3]
    on = browser.get(f"{HERE}?limit=2&cursor={skipped['nextCursor']}").get_json()
    assert [row["id"] for row in on["data"]] == made[3:]
    assert rows(browser, "skip=10000") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=LOST", "status"),
        ("payee=Ada", "payee"),
        ("doctor=1", "doctor"),
        ("provider=PIGEON", "provider"),
        ("organization=nowhere", "organization"),
        ("startDate=yesterday", "startDate"),
        ("endDate=2026-02-30", "endDate"),
        ("limit=201", "limit"),
        ("limit=0", "limit"),
        ("skip=-1", "skip"),
        ("skip=10001", "skip"),
        ("skip=999999999999", "skip"),
        ("skip=1&cursor=abc", "skip"),
    ],
)
def test_nonsense_is_refused_by_name(browser: Browser, query: str, field: str) -> None:
    answer = browser.get(f"{HERE}?{query}")
    assert answer.status_code == 422 and answer.content_type == "application/problem+json"
    assert set(answer.get_json()["errors"]) == {field}


def test_too_deep_a_skip_points_to_the_cursor(browser: Browser) -> None:
    assert "cursor" in browser.get(f"{HERE}?skip=10001").get_json()["detail"]


def test_one_payout_whole(browser: Browser, admin: Actor, place: Shop) -> None:
    make.earn(place, 40_00)
    payout_id = approved(place, admin, 60_00)
    with fake_rail():
        jobs.send_payouts([str(payout_id)], str(place.organization_id), admin.label, str(admin.account_id))
    told = browser.get(f"{HERE}/{payout_id}").get_json()
    assert set(told) >= FIELDS
    assert (told["amountDue"], told["approvalsNeeded"], told["organizationName"]) == ("100.00", 1, "Shop")
    assert [step["toStatus"] for step in told["timeline"]] == ["PENDING", "APPROVED", "PROCESSING", "PROCESSING"]
    assert told["timeline"][1]["by"] == told["approvals"][0]["by"] == admin.label
    (attempt,) = told["attempts"]
    assert (attempt["number"], attempt["provider"], attempt["status"]) == (1, "SIMULATED", "ACCEPTED")
    assert attempt["providerReference"] == told["providerReference"]
    assert sorted(item["amountMinor"] for item in told["items"]) == [40_00, 60_00]
    assert told["itemsNextCursor"] is None


def test_items_come_in_pages(browser: Browser, place: Shop) -> None:
    make.earn(place, 10_00, 20_00)
    payout_id = withdrawn(place, 30_00)
    first = browser.get(f"{HERE}/{payout_id}/items?limit=2").get_json()
    rest = browser.get(f"{HERE}/{payout_id}/items?limit=2&cursor={first['nextCursor']}").get_json()
    parts = [item["amountMinor"] for item in first["data"] + rest["data"]]
    assert sorted(parts) == [10_00, 20_00, 30_00] and rest["nextCursor"] is None
    assert {item["earnedOn"] for item in first["data"]} == {"2026-11-01"}


def test_what_is_not_there(browser: Browser) -> None:
    assert browser.get(f"{HERE}/{uuid4()}").status_code == 404
    assert browser.get(f"{HERE}/{uuid4()}/items").status_code == 404


def test_strangers(client: Browser, place: Shop, sign_in: Callable[[Portal, str], Browser]) -> None:
    payout_id = withdrawn(place)
    people.payee(place.payee_ids[0], "vendor@example.test")
    vendor = sign_in(Portal.VENDOR, "vendor@example.test")
    for path in (HERE, f"{HERE}/{payout_id}", f"{HERE}/{payout_id}/items", f"{HERE}/export"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"x-admin-id": str(uuid4()), "x-user-id": str(uuid4())}).status_code == 401
        assert vendor.get(path).status_code == 404


def test_a_program_of_the_platform_reads_with_the_scope(client: Browser, place: Shop) -> None:
    payout_id = withdrawn(place)
    program = Caller(client, key(None, "payouts.read"))
    assert [row["id"] for row in program.get(f"{HERE}?status=PENDING").get_json()["data"]] == [str(payout_id)]
    assert program.get(f"{HERE}/{payout_id}").status_code == 200
    assert Caller(client, key(organization("oxford"), "payouts.read")).get(HERE).status_code == 404


def test_a_program_without_the_scope_reads_nothing(client: Browser, place: Shop) -> None:
    payout_id = withdrawn(place)
    program = Caller(client, key(None, "payees.read"))
    for path in (HERE, f"{HERE}/{payout_id}", f"{HERE}/{payout_id}/items", f"{HERE}/export"):
        assert program.get(path).status_code == 403


def asked(browser: Browser) -> int:
    """How many statements the list takes."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        rows(browser)
    finally:
        event.remove(engine(), "before_cursor_execute", note)
    return len(seen)


def test_many_rows_take_the_statements_of_one(browser: Browser, place: Shop) -> None:
    withdrawn(place)
    few = asked(browser)
    for number in (1, 2, 3):
        withdrawn(place, payee=number)
    assert asked(browser) == few


def test_notes_say_why(browser: Browser, admin: Actor, place: Shop) -> None:
    payout_id: UUID = withdrawn(place)
    with unit_of_work(PLATFORM) as session:
        service.hold(session, admin, payout_id, "The amount looks odd")
    (row,) = rows(browser)
    assert (row["status"], row["notes"]) == ("ON_HOLD", "The amount looks odd")
