from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payees import queries, service
from app.payees.states import EngagementStatus, PayeeKind
from tests.factories import organizations, payees, people

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def bath() -> UUID:
    return organizations.organization("bath")


def names(organization_id: UUID, **filters: Any) -> list[str]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return [row.name for row in queries.payees(session, organization_id, **filters).items]


def test_a_manager_adds_a_payee_and_sees_it(oxford: UUID, bath: UUID) -> None:
    manager = people.member(oxford, Role.MANAGER)
    with unit_of_work(Scope.organization(oxford)) as session:
        made = service.create(
            session,
            manager,
            oxford,
            kind=PayeeKind.VENDOR,
            name=" HMRC ",
            currency="GBP",
            reference="20016580",
            email="Office@HMRC.test",
            address={"address_1": "1 High Street", "city": "", "planet": "Earth"},
        )
    with unit_of_work(Scope.organization(oxford)) as session:
        found = queries.detail(session, oxford, made.id)
    assert (found.name, found.email, found.reference, found.terms_days) == ("HMRC", "office@hmrc.test", "20016580", 30)
    assert found.address == {"address_1": "1 High Street"}
    with unit_of_work(Scope.organization(bath)) as session, pytest.raises(NotFound):
        queries.detail(session, oxford, made.id)


def test_who_may_not_add_or_edit(oxford: UUID, bath: UUID) -> None:
    payee_id = payees.vendor(oxford)
    support, stranger = people.member(oxford, Role.SUPPORT), people.member(bath, Role.OWNER)
    with unit_of_work(Scope.organization(oxford)) as session:
        for actor in (support, stranger, people.payee(payee_id)):
            with pytest.raises(Forbidden):
                service.create(session, actor, oxford, kind=PayeeKind.VENDOR, name="X", currency="GBP")
            with pytest.raises(Forbidden):
                service.edit(session, actor, oxford, payee_id, name="Mine")
            with pytest.raises(Forbidden):
                service.set_status(session, actor, oxford, payee_id, EngagementStatus.ENDED, reason="because")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"currency": "ZZZ"}, "currency"),
        ({"terms_days": 400}, "terms_days"),
        ({"country": "United Kingdom"}, "country"),
        ({"email": "not an address"}, "email"),
    ],
)
def test_bad_input_names_the_field(oxford: UUID, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        payees.vendor(oxford, **{"name": "X", **wrong})
    assert list(refused.value.fields) == [field]
    assert names(oxford) == []


def test_a_reference_belongs_to_one_payee_whatever_its_case(oxford: UUID, bath: UUID) -> None:
    first = payees.vendor(oxford, "First", reference="Ab1")
    with pytest.raises(Conflict):
        payees.vendor(oxford, "Second", reference="aB1")
    payees.vendor(bath, "Elsewhere", reference="AB1")
    other = payees.vendor(oxford, "Other", reference="B2")
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Conflict):
            service.edit(session, operator(), oxford, other, reference="ab1")
        service.edit(session, operator(), oxford, first, reference="AB1")
    assert names(oxford) == ["Other", "First"]


def test_vendors_have_one_engagement_creators_many(oxford: UUID, bath: UUID) -> None:
    vendor, creator = payees.vendor(oxford), payees.vendor(oxford, "Maker", kind=PayeeKind.CREATOR)
    with unit_of_work(people.PLATFORM) as session:
        with pytest.raises(Conflict, match="one organization"):
            service.engage(session, operator(), bath, vendor, currency="GBP")
        service.engage(session, operator(), bath, creator, currency="USD")
        with pytest.raises(Conflict, match="already"):
            service.engage(session, operator(), bath, creator, currency="USD")
    assert names(bath) == ["Maker"]


def test_an_organization_does_not_rename_a_creator(oxford: UUID) -> None:
    creator = payees.vendor(oxford, "Maker", kind=PayeeKind.CREATOR)
    manager = people.member(oxford, Role.MANAGER)
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Invalid, match="Only the creator"):
            service.edit(session, manager, oxford, creator, name="Mine")
        service.edit(session, manager, oxford, creator, terms_days=7)
        assert queries.detail(session, oxford, creator).terms_days == 7


def test_pausing_needs_a_reason_and_is_on_the_timeline(oxford: UUID) -> None:
    payee_id = payees.vendor(oxford)
    with unit_of_work(Scope.organization(oxford)) as session:
        with pytest.raises(Invalid):
            service.set_status(session, operator(), oxford, payee_id, EngagementStatus.PAUSED)
        service.set_status(session, operator(), oxford, payee_id, EngagementStatus.PAUSED, reason="Contract ended")
        with pytest.raises(Conflict):
            service.set_status(session, operator(), oxford, payee_id, EngagementStatus.PAUSED, reason="again")
    with unit_of_work(Scope.payee(payee_id)) as session:
        row = session.execute(text("SELECT from_state, to_state, note FROM timeline_events")).one()
    assert tuple(row) == ("active", "paused", "Contract ended")
    assert names(oxford, status=EngagementStatus.ACTIVE) == []


def test_search_by_name_and_reference_stays_inside_the_organization(oxford: UUID, bath: UUID) -> None:
    payees.vendor(oxford, "SMS Connections Ltd", reference="20019050")
    payees.vendor(oxford, "100% Cotton_Co")
    payees.vendor(bath, "Other Connections")
    assert names(oxford, search="connect") == ["SMS Connections Ltd"]
    assert names(oxford, search="20019050") == ["SMS Connections Ltd"]
    assert names(oxford, search="0%") == ["100% Cotton_Co"]
    assert names(oxford, search="n_c") == ["100% Cotton_Co"]
    assert names(oxford, search="nobody") == []
    with unit_of_work(people.PLATFORM) as session:
        found = queries.all_payees(session, search="connections").items
    assert {row.name for row in found} == {"SMS Connections Ltd", "Other Connections"}


def test_pages_follow_each_other_without_gap(oxford: UUID) -> None:
    for number in range(7):
        payees.vendor(oxford, f"Vendor {number}")
    seen, cursor = [], None
    with unit_of_work(Scope.organization(oxford)) as session:
        for _ in range(3):
            page = queries.payees(session, oxford, cursor=cursor, limit=3)
            seen += [row.name for row in page.items]
            cursor = page.next_cursor
        assert queries.count(session, oxford) == 7
    assert cursor is None
    assert seen == [f"Vendor {n}" for n in (6, 5, 4, 3, 2, 1, 0)]


SUPPLIERS = [
    ("20019050", "SMS Connections Ltd"),
    ("20016580", "HMRC"),
    ("20019050", "SMS again"),
    ("a1", "A"),
    ("A1", "A2"),
]


def test_vendors_are_made_once_for_each_reference(oxford: UUID, bath: UUID) -> None:
    with unit_of_work(Scope.organization(oxford)) as session:
        first, made = service.ensure_vendors(session, oxford, SUPPLIERS, "GBP", 14)
        again, made_again = service.ensure_vendors(session, oxford, SUPPLIERS, "GBP", 14)
    assert (made, made_again) == (3, 0)
    assert first == again
    assert first["a1"] == first["A1"]
    assert set(first) == {"20019050", "20016580", "a1", "A1"}
    assert sorted(names(oxford)) == ["A", "HMRC", "SMS Connections Ltd"]
    with unit_of_work(Scope.organization(bath)) as session:
        other, _ = service.ensure_vendors(session, bath, SUPPLIERS, "GBP")
    assert not set(other.values()) & set(first.values())
    with unit_of_work(Scope.organization(oxford)) as session:
        assert queries.detail(session, oxford, first["a1"]).kind is PayeeKind.VENDOR


def test_imports_at_the_same_moment_make_each_vendor_once(oxford: UUID) -> None:
    suppliers = [(f"S{n}", f"Supplier {n}") for n in range(300)]

    def run(_: int) -> dict[str, UUID]:
        with unit_of_work(Scope.organization(oxford)) as session:
            return service.ensure_vendors(session, oxford, suppliers, "GBP")[0]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(4)))
    assert all(result == results[0] for result in results)
    with unit_of_work(people.PLATFORM) as session:
        assert session.execute(text("SELECT count(*), count(DISTINCT id) FROM payees")).one() == (300, 300)


def test_contacts_are_accounts_and_the_address_of_the_payee(oxford: UUID) -> None:
    payee_id, silent = payees.vendor(oxford, email="Office@sms.test"), payees.vendor(oxford, "Silent")
    people.payee(payee_id, "ann@sms.test")
    with unit_of_work(Scope.organization(oxford)) as session:
        found = queries.contacts(session, [payee_id, silent])
    assert {contact.email for contact in found.pop(payee_id)} == {"office@sms.test", "ann@sms.test"}
    assert found == {}
