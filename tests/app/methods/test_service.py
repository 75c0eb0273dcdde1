from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.core import crypto
from app.core.clock import at, utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.methods import queries, rules, service
from app.methods.models import Method
from app.methods.rules import Blocked
from app.organizations.states import Role
from tests.factories import organizations, payees, people
from tests.factories.methods import BANK, CHECK, SIMULATED
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def vendor(oxford: UUID) -> UUID:
    return payees.vendor(oxford, email="office@sms.test")


def add(actor: Actor, payee_id: UUID, rail: str = "simulated", **more: Any) -> Method:
    fields = more.pop("fields", {"simulated": SIMULATED, "bank_file": BANK, "check": CHECK}.get(rail, {}))
    scope = Scope.payee(payee_id) if actor.payee_id else people.PLATFORM
    with unit_of_work(scope) as session:
        return service.add(session, actor, payee_id, rail=rail, fields=fields, **more)


def usable(payee_id: UUID, currency: str = "GBP") -> queries.UsableMethod:
    with unit_of_work(people.PLATFORM) as session:
        return queries.usable_method(session, payee_id, currency)


def test_a_first_method_can_be_used_at_once_and_shows_no_more_than_last4(vendor: UUID, superuser: Any) -> None:
    made = add(people.payee(vendor), vendor, "bank_file")
    assert usable(vendor).method_id == made.id
    assert (made.label, made.last4) == ("Bank transfer", "9911")
    stored = superuser.execute("SELECT row_to_json(m)::text FROM methods m").fetchone()[0]
    assert "55779911" not in stored
    assert "SMS Connections" not in stored
    assert "55779911" not in repr(made.details_sealed)
    everything = superuser.execute(
        "SELECT coalesce(string_agg(t, ' '), '') FROM (SELECT row_to_json(a)::text FROM audit_records a"
        " UNION ALL SELECT row_to_json(e)::text FROM timeline_events e) AS s (t)"
    ).fetchone()[0]
    assert "55779911" not in everything


def test_a_payee_who_changes_waits_72_hours_and_every_address_is_told(vendor: UUID, superuser: Any) -> None:
    actor = people.payee(vendor, "ann@sms.test")
    with at(MONDAY):
        first = add(actor, vendor)
        assert superuser.execute("SELECT context->>'cooling_off' FROM mails").fetchall() == [("false",), ("false",)]
        superuser.execute("DELETE FROM mails")
        second = add(actor, vendor, "bank_file")
        found = usable(vendor)
        assert (found.method_id, found.blocked) == (None, Blocked.COOLING_OFF)
        assert found.usable_from_at == MONDAY + timedelta(hours=72)
    with at(MONDAY + timedelta(hours=71, minutes=59)):
        assert usable(vendor).blocked is Blocked.COOLING_OFF
    with at(MONDAY + timedelta(hours=72)):
        assert usable(vendor).method_id == second.id
    mails = superuser.execute("SELECT to_address, context FROM mails ORDER BY 1").fetchall()
    assert [m[0] for m in mails] == ["ann@sms.test", "office@sms.test"]
    assert mails[0][1]["cooling_off"] is True
    assert first.id != second.id


def test_staff_change_without_waiting_but_the_payee_is_told(vendor: UUID, oxford: UUID, superuser: Any) -> None:
    add(people.payee(vendor), vendor)
    admin = people.member(oxford, Role.ADMIN)
    with unit_of_work(Scope.organization(oxford)) as session:
        made = service.add(session, admin, vendor, rail="bank_file", fields=BANK)
    assert usable(vendor).method_id == made.id
    assert superuser.execute("SELECT count(*) FROM mails WHERE template = 'method_changed'").fetchone()[0] == 4


def test_there_is_one_default_for_each_currency_and_the_bill_s_own_goes_first(vendor: UUID) -> None:
    anywhere = add(operator(), vendor)
    pounds = add(operator(), vendor, "bank_file", currency="GBP")
    assert usable(vendor, "GBP").method_id == pounds.id
    assert usable(vendor, "EUR").method_id == anywhere.id
    other = add(operator(), vendor, fields={**SIMULATED, "account_number": "999999"}, currency="GBP")
    assert usable(vendor, "GBP").method_id == other.id
    with unit_of_work(people.PLATFORM) as session:
        service.make_default(session, operator(), pounds.id)
    assert usable(vendor, "GBP").method_id == pounds.id
    with unit_of_work(people.PLATFORM) as session:
        listed = queries.methods(session, vendor)
    assert sorted((str(row.currency), row.is_default) for row in listed) == [
        ("GBP", False),
        ("GBP", True),
        ("None", True),
    ]


def test_a_method_that_is_not_the_default_is_not_used(vendor: UUID) -> None:
    first = add(operator(), vendor)
    add(operator(), vendor, "bank_file", default=False)
    assert usable(vendor).method_id == first.id
    with unit_of_work(people.PLATFORM) as session:
        service.disable(session, operator(), first.id)
        with pytest.raises(Conflict):
            service.disable(session, operator(), first.id)
        with pytest.raises(Conflict):
            service.make_default(session, operator(), first.id)
    assert usable(vendor).blocked is Blocked.NO_METHOD


def test_the_rail_must_take_the_currency_and_be_offered_in_the_mode(vendor: UUID) -> None:
    add(operator(), vendor, "check")
    assert usable(vendor, "GBP").rail == "check"
    assert usable(vendor, "JPY").blocked is Blocked.RAIL
    add(operator(), vendor)
    assert usable(vendor, "JPY").rail == "simulated"
    with environment(QUITTANCE_MODE="live"):
        assert usable(vendor, "GBP").blocked is Blocked.RAIL
    with environment(QUITTANCE_MODE="live"), pytest.raises(Invalid):
        add(operator(), vendor, fields={**SIMULATED, "account_number": "777777"})


@pytest.mark.parametrize(
    ("rail", "more", "field"),
    [
        ("pigeon", {}, "rail"),
        ("check", {"currency": "JPY"}, "rail"),
        ("simulated", {"currency": "ZZZ"}, "currency"),
        ("bank_file", {"fields": {**BANK, "account_number": "12"}}, "account_number"),
        ("simulated", {"fields": {"account_holder": "X"}}, "account_number"),
    ],
)
def test_bad_details_name_the_field(vendor: UUID, rail: str, more: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        add(operator(), vendor, rail, **more)
    assert field in refused.value.fields
    assert usable(vendor).blocked is Blocked.NO_METHOD


def test_the_same_destination_twice_is_refused_and_under_another_payee_it_is_flagged(
    vendor: UUID, oxford: UUID
) -> None:
    add(operator(), vendor, "bank_file")
    with pytest.raises(Conflict):
        add(operator(), vendor, "bank_file", fields={**BANK, "sort_code": "200000"})
    twin = payees.vendor(oxford, "Twin Ltd")
    with unit_of_work(Scope.organization(oxford)) as session:
        assert [row.shared for row in queries.methods(session, vendor)] == [False]
    add(operator(), twin, "bank_file", fields={**BANK, "account_holder": "Twin Ltd"})
    with unit_of_work(Scope.organization(oxford)) as session:
        assert [row.shared for row in queries.methods(session, vendor)] == [True]
        assert [row.name for row in queries.shared_with(session, vendor)] == ["Twin Ltd"]
    with unit_of_work(Scope.payee(vendor)) as session:
        assert queries.shared_with(session, vendor) == []  # payees are told nothing of each other


def test_who_may_not_touch_a_method(vendor: UUID, oxford: UUID) -> None:
    made = add(operator(), vendor)
    bath = organizations.organization("bath")
    manager, stranger = people.member(oxford, Role.MANAGER), people.member(bath, Role.OWNER)
    other = people.payee(payees.vendor(oxford, "Other"))
    with unit_of_work(Scope.organization(oxford)) as session:
        for actor in (manager, other):
            with pytest.raises(Forbidden):
                service.add(session, actor, vendor, rail="simulated", fields=SIMULATED)
            with pytest.raises(Forbidden):
                service.disable(session, actor, made.id)
    with unit_of_work(Scope.organization(bath)) as session:
        with pytest.raises(NotFound):
            service.add(session, stranger, vendor, rail="simulated", fields=SIMULATED)
        with pytest.raises(NotFound):
            service.make_default(session, stranger, made.id)
        assert queries.methods(session, vendor) == []


def test_opening_needs_a_reason_and_leaves_a_trace(vendor: UUID, oxford: UUID) -> None:
    made = add(operator(), vendor, "bank_file")
    admin, owner = people.admin(), people.member(oxford, Role.OWNER)
    with unit_of_work(people.PLATFORM) as session:
        with pytest.raises(Invalid):
            service.open_details(session, admin, made, " ")
        with pytest.raises(Forbidden):
            service.open_details(session, owner, made, "curious")
        assert service.open_details(session, admin, made, "The bank asked")["account_number"] == "55779911"
        found = session.execute(
            text("SELECT actor, subject_id, detail ->> 'reason' FROM audit_records WHERE action = 'method.opened'")
        ).all()
    assert [tuple(row) for row in found] == [("Admin", made.id, "The bank asked")]


def test_a_sealed_destination_does_not_open_in_another_row(vendor: UUID, oxford: UUID) -> None:
    mine = add(operator(), vendor, "bank_file")
    other = add(operator(), payees.vendor(oxford, "Other"))
    with unit_of_work(people.PLATFORM) as session:
        session.execute(
            text("UPDATE methods SET details_sealed = :sealed WHERE id = :id"),
            {"sealed": str(mine.details_sealed), "id": other.id},
        )
    with unit_of_work(people.PLATFORM) as session:
        moved = session.scalars(select(Method).where(Method.id == other.id)).one()
        with pytest.raises(crypto.CannotOpen):
            service.open_details(session, operator(), moved, "check")


def test_opening_for_sending_is_one_line_for_all(vendor: UUID) -> None:
    made = add(operator(), vendor, "bank_file")
    with unit_of_work(people.PLATFORM) as session:
        opened = service.open_for_sending(session, operator(), [(made.id, made.details_sealed)], "batch B-1")
        assert opened[made.id]["sort_code"] == "200000"
        count = session.execute(text("SELECT count(*) FROM audit_records WHERE action = 'methods.opened'"))
        assert count.scalar_one() == 1


def test_cool_off_is_for_payees_who_change() -> None:
    now = utc_now()
    assert rules.usable_from(now, by_payee=True, had_method=True) == now + timedelta(hours=72)
    assert rules.usable_from(now, by_payee=True, had_method=False) == now
    assert rules.usable_from(now, by_payee=False, had_method=True) == now
