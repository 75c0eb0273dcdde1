"""Tags and notes: the organization's own, never the payee's."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from app.core.errors import Forbidden, Invalid, NotFound
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payees import notes, tags
from app.payees.directory_models import EngagementNote, EngagementTag
from app.reporting import directory
from app.reporting.directory import DirectoryFilter
from tests.factories import organizations, payees, people

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


def found(organization_id: UUID, tag: str) -> list[str]:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return sorted(row.name for row in directory.payees(session, organization_id, DirectoryFilter(tag=tag)).items)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("VIP", ["vip"]),
        (" North  West ; vip,VIP,\n2026 ", ["north west", "vip", "2026"]),
        ("É-A", ["é-a"]),
        (" , ", []),
    ],
)
def test_tags_are_read_in_one_form(written: str, read: list[str]) -> None:
    assert tags.read_tags(written) == read


@pytest.mark.parametrize("written", ["<b>", "#vip", "x" * 41, ",".join(f"t{n}" for n in range(21)), "a\tb\0"])
def test_what_is_no_tag_is_refused(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        tags.read_tags(written)
    assert "tags" in refused.value.fields


def test_a_selection_is_tagged_filtered_and_untagged(oxford: UUID) -> None:
    manager = people.member(oxford, Role.MANAGER)
    ids = [payees.vendor(oxford, name) for name in ("Acorn", "Birch", "Cedar")]
    bath = organizations.organization("bath")
    foreign = payees.vendor(bath, "Dogwood")
    with unit_of_work(Scope.organization(oxford)) as session:
        assert tags.add(session, manager, oxford, [*ids[:2], foreign], ["vip", "trees"]) == 4
        assert tags.add(session, manager, oxford, ids, ["vip"]) == 1  # two had it
    assert found(oxford, "vip") == ["Acorn", "Birch", "Cedar"] and found(oxford, "trees") == ["Acorn", "Birch"]
    assert found(bath, "vip") == [] and found(oxford, "vi") == []
    with unit_of_work(Scope.organization(oxford)) as session:
        assert tags.in_use(session, oxford) == [("trees", 2), ("vip", 3)]
        assert tags.remove(session, manager, oxford, ids[:1], ["vip", "trees", "none"]) == 2
        tags.replace(session, manager, oxford, ids[1], ["oak"])
        assert tags.of_payees(session, oxford, ids) == {ids[1]: ["oak"], ids[2]: ["vip"]}
        rows = list(directory.all_payees(session, oxford, DirectoryFilter()))
    assert [(row.name, row.tags) for row in rows] == [("Cedar", "vip"), ("Birch", "oak"), ("Acorn", None)]


def test_who_may_not_and_what_cannot(oxford: UUID) -> None:
    payee_id = payees.vendor(oxford)
    manager, support = people.member(oxford, Role.MANAGER), people.member(oxford, Role.SUPPORT)
    stranger = people.member(organizations.organization("bath"), Role.OWNER)
    with unit_of_work(Scope.organization(oxford)) as session:
        for actor in (support, stranger, people.payee(payee_id)):
            with pytest.raises(Forbidden):
                tags.add(session, actor, oxford, [payee_id], ["vip"])
            with pytest.raises(Forbidden):
                tags.remove(session, actor, oxford, [payee_id], ["vip"])
            with pytest.raises(Forbidden):
                notes.add(session, actor, oxford, payee_id, "Paid late once")
        with pytest.raises(Invalid):
            tags.add(session, manager, oxford, [], ["vip"])
        with pytest.raises(Invalid):
            notes.add(session, manager, oxford, payee_id, " \n ")
        with pytest.raises(NotFound):
            notes.add(session, manager, oxford, oxford, "Of nobody")
        tags.add(session, manager, oxford, [payee_id], [f"t{n}" for n in range(20)])
        with pytest.raises(Invalid):
            tags.add(session, manager, oxford, [payee_id], ["one more"])


def test_the_payee_sees_neither_tags_nor_notes(oxford: UUID) -> None:
    payee_id, manager = payees.vendor(oxford), people.member(oxford, Role.MANAGER)
    with unit_of_work(Scope.organization(oxford)) as session:
        tags.add(session, manager, oxford, [payee_id], ["slow"])
        notes.add(session, manager, oxford, payee_id, "Asks for advances")
        newest = notes.add(session, manager, oxford, payee_id, "Second line")
    with unit_of_work(Scope.organization(oxford)) as session:
        assert [row.text for row in notes.notes(session, oxford, payee_id).items] == [
            "Second line",
            "Asks for advances",
        ]
    with unit_of_work(Scope.payee(payee_id)) as session:
        assert session.scalars(select(EngagementTag)).all() == []
        assert session.scalars(select(EngagementNote)).all() == []
        assert notes.notes(session, oxford, payee_id).items == []
    with pytest.raises(ProgrammingError), unit_of_work(Scope.organization(oxford)) as session:
        session.get_one(EngagementNote, newest.id).text = "Never said"  # append-only
