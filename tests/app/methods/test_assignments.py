from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from app.core.errors import Forbidden, Invalid
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.methods import queries, service
from app.methods.assignments import Applied, apply_method_rows, assign_bulk
from app.organizations.states import Role
from app.payees import service as payees_service
from app.payees.states import EngagementStatus
from tests.factories import methods, organizations, payees, people
from tests.factories.methods import BANK, CHECK, SIMULATED
from tests.stores import environment

pytestmark = pytest.mark.usefixtures("database_url")


class Line(NamedTuple):
    line: int
    supplier_key: str
    rail: str
    fields: Mapping[str, str]


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def without(organization_id: UUID) -> int:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return queries.count_without_method(session, organization_id)


def opened(payee_id: UUID) -> tuple[str, dict[str, str]]:
    with unit_of_work(people.PLATFORM) as session:
        row = next(r for r in queries.methods(session, payee_id) if r.is_default)
        method = session.get_one(service.Method, row.id)
        return row.rail, service.open_details(session, operator(), method, "test")


def test_the_simulated_rail_is_given_to_everybody_without_a_method(oxford: UUID) -> None:
    first, second, has_one, paused = (payees.vendor(oxford, n, reference=n) for n in ("One", "Two", "Three", "Four"))
    methods.simulated(has_one, "555555")
    with unit_of_work(Scope.organization(oxford)) as session:
        payees_service.set_status(session, operator(), oxford, paused, EngagementStatus.PAUSED, reason="left")
    bath = organizations.organization("bath")
    payees.vendor(bath, "Elsewhere")
    assert without(oxford) == 2
    with unit_of_work(Scope.organization(oxford)) as session:
        done = assign_bulk(session, people.member(oxford, Role.ADMIN), oxford, "simulated")
        again = assign_bulk(session, operator(), oxford, "simulated")
    assert (done.count, done.refused, again.count) == (2, [], 0)
    assert (without(oxford), without(bath)) == (0, 1)
    assert opened(has_one)[1]["account_number"] == "555555"
    accounts = {opened(payee_id)[1]["account_number"] for payee_id in (first, second)}
    assert len(accounts) == 2


def test_a_selection_gets_a_method_and_the_others_do_not(oxford: UUID) -> None:
    chosen, other = payees.vendor(oxford, "One"), payees.vendor(oxford, "Two")
    with unit_of_work(Scope.organization(oxford)) as session:
        assert assign_bulk(session, operator(), oxford, "simulated", [chosen]).count == 1
        assert queries.methods(session, other) == []


def test_check_by_post_needs_an_address(oxford: UUID) -> None:
    address = {key: value for key, value in CHECK.items() if key not in ("payee_name", "country")}
    at_home = payees.vendor(oxford, "At Home", address=address, country="GB")
    payees.vendor(oxford, "Nowhere")
    payees.vendor(oxford, "Half", address={"city": "Oxford"}, country="GB")
    with environment(QUITTANCE_MODE="live"), unit_of_work(Scope.organization(oxford)) as session:
        done = assign_bulk(session, operator(), oxford, "check")
    assert done.count == 1
    reasons = {refused.name: refused.reason for refused in done.refused}
    assert set(reasons) == {"Nowhere", "Half"}
    assert reasons["Nowhere"] == "No postal address is known."
    assert "Address" in reasons["Half"]
    assert opened(at_home) == ("check", {**CHECK, "payee_name": "At Home"})


def test_rails_that_need_details_and_modes_that_lack_the_rail_are_refused(oxford: UUID) -> None:
    payees.vendor(oxford)
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Invalid, match="CSV"):
            assign_bulk(session, operator(), oxford, "bank_file")
        with environment(QUITTANCE_MODE="live"), pytest.raises(Invalid):
            assign_bulk(session, operator(), oxford, "simulated")
        with pytest.raises(Forbidden):
            assign_bulk(session, people.member(oxford, Role.MANAGER), oxford, "simulated")
        bath = people.member(organizations.organization("bath"), Role.OWNER)
        with pytest.raises(Forbidden):
            assign_bulk(session, bath, oxford, "simulated")
    assert without(oxford) == 1


def apply(organization_id: UUID, *lines: Line) -> Applied:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return apply_method_rows(session, operator(), organization_id, lines)


def test_a_file_of_methods_is_applied_once(oxford: UUID, superuser: Any) -> None:
    a = payees.vendor(oxford, "A", reference="V1", email="a@v.test")
    b = payees.vendor(oxford, "B  Ltd", reference="V2")
    file = [Line(2, "v1", "bank_file", BANK), Line(3, "name:b ltd", "check", CHECK)]
    assert apply(oxford, *file) == Applied(added=2)
    assert apply(oxford, *file) == Applied(unchanged=2)
    assert opened(a)[0] == "bank_file"
    assert opened(b)[0] == "check"
    assert superuser.execute("SELECT count(*) FROM mails").fetchone()[0] == 0
    assert apply(oxford, Line(2, "V1", "simulated", SIMULATED)) == Applied(replaced=1)
    assert opened(a)[0] == "simulated"
    mails = superuser.execute("SELECT to_address, context ->> 'label' FROM mails").fetchall()
    assert mails == [("a@v.test", "Simulated transfer")]


def test_one_bad_line_and_nothing_is_written(oxford: UUID) -> None:
    payees.vendor(oxford, "Same Name", reference="V1")
    payees.vendor(oxford, "Same Name", reference="V2")
    payees.vendor(organizations.organization("bath"), reference="ELSEWHERE")
    result = apply(
        oxford,
        Line(2, "v1", "bank_file", BANK),
        Line(3, "nobody", "bank_file", BANK),
        Line(4, "V2", "bank_file", {**BANK, "account_number": "1"}),
        Line(5, "V1", "check", CHECK),
        Line(6, "V2", "pigeon", {}),
        Line(7, "name:same name", "check", CHECK),
        Line(8, "elsewhere", "check", CHECK),
        Line(9, "V2", "simulated", {**SIMULATED, "currency": "ZZZ"}),
    )
    assert [(e.line, e.column) for e in result.errors] == [
        (3, "supplier"), (4, "account_number"), (5, "supplier"), (6, "rail"), (7, "supplier"), (8, "supplier"),
        (9, "currency"),
    ]  # fmt: skip
    assert "several" in result.errors[4].reason
    assert (result.added, result.replaced) == (0, 0)
    assert without(oxford) == 2


def test_a_file_may_limit_a_method_to_a_currency(oxford: UUID) -> None:
    a = payees.vendor(oxford, "A", reference="V1")
    apply(oxford, Line(2, "V1", "bank_file", {**BANK, "currency": "gbp"}), Line(3, "V1", "simulated", SIMULATED))
    with unit_of_work(people.PLATFORM) as session:
        assert queries.usable_method(session, a, "GBP").rail == "bank_file"
        assert queries.usable_method(session, a, "EUR").rail == "simulated"


def test_only_admins_apply_a_file(oxford: UUID) -> None:
    with unit_of_work(Scope.organization(oxford)) as session, pytest.raises(Forbidden):
        apply_method_rows(session, people.member(oxford, Role.MANAGER), oxford, [])
