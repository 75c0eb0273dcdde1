"""Departments: tidied, spelled alike, given within a rank, and kept from the invitation to the membership."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.errors import Forbidden, Invalid
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.organizations import departments, inviting, joining, member_files, member_imports, service
from app.organizations.inviting import Person
from app.organizations.models import Member
from app.organizations.states import InviteeOutcome, Role
from jobs.members import invite_people
from tests.factories import organizations, people
from tests.factories.invitations import tokens

LEARNER = Role.LEARNER


@pytest.fixture
def oxford(database_url: str) -> UUID:
    return organizations.organization("oxford")


def of(oxford: UUID, email: str) -> Member:
    with unit_of_work(Scope.organization(oxford)) as session:
        return session.scalars(select(Member).where(Member.email == email)).one()


def give(oxford: UUID, actor: Actor, email: str, text: str | None) -> str | None:
    member_id = of(oxford, email).id
    with unit_of_work(Scope.organization(oxford)) as session:
        return service.set_department(session, actor, oxford, member_id, text).department


@pytest.mark.parametrize(
    ("text", "kept"), [(" Career   services ", "Career services"), ("", None), (None, None), ("x" * 60, "x" * 60)]
)
def test_a_department_is_tidied(text: str | None, kept: str | None) -> None:
    assert departments.tidy(text) == kept


@pytest.mark.parametrize("text", ["x" * 61, "Enginee\u200bring", "two\nlines"])
def test_what_cannot_be_kept_is_refused_beside_the_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        departments.tidy(text)
    assert "department" in refused.value.fields


def test_departments_are_spelled_alike_and_listed_while_somebody_is_there(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER, "olga@x.test")
    for email in ("ann@x.test", "bob@x.test"):
        people.member(oxford, LEARNER, email)
    assert give(oxford, owner, "ann@x.test", "Engineering") == "Engineering"
    assert give(oxford, owner, "bob@x.test", " engineering") == "Engineering"
    assert give(oxford, owner, "bob@x.test", "Alumni office") == "Alumni office"
    assert give(oxford, owner, "bob@x.test", "alumni office") == "alumni office"  # nobody else writes it otherwise
    assert give(oxford, owner, "olga@x.test", "Board") == "Board"  # their own
    with unit_of_work(Scope.organization(oxford)) as session:
        assert set(departments.known(session, oxford)) == {"Board", "Engineering", "alumni office"}
        service.remove_member(session, owner, oxford, of(oxford, "bob@x.test").id)
        assert "alumni office" not in departments.known(session, oxford)
    assert give(oxford, owner, "ann@x.test", "") is None


def test_nobody_changes_the_department_of_their_rank_or_above(oxford: UUID) -> None:
    people.member(oxford, Role.OWNER, "olga@x.test")
    admin = people.member(oxford, Role.ADMIN, "dana@x.test")
    manager = people.member(oxford, Role.MANAGER, "max@x.test")
    with pytest.raises(Forbidden):
        give(oxford, admin, "olga@x.test", "Board")
    with pytest.raises(Forbidden):
        give(oxford, manager, "max@x.test", "Board")  # also of themselves, without the right to manage members
    assert give(oxford, admin, "dana@x.test", "Board") == "Board"
    assert give(oxford, admin, "max@x.test", "Board") == "Board"


def test_an_invitation_brings_its_department(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER)
    with unit_of_work(Scope.organization(oxford)) as session:
        inviting.invite(session, owner, oxford, [Person("ann@x.test", "Ann", LEARNER, "Engineering")])
    with unit_of_work(Scope.public()) as session:
        joining.accept(session, tokens("ann@x.test")[0], signed_in_as=None)
    assert of(oxford, "ann@x.test").department == "Engineering"


def test_a_file_names_departments_and_a_bad_one_is_refused(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER)
    body = f"email,Dept\nann@x.test, Career  services\nbob@x.test,{'x' * 61}\ncat@x.test,\n"
    with unit_of_work(Scope.organization(oxford)) as session:
        lines = member_imports.read(owner, oxford, body.encode(), LEARNER)
        assert [one.department for one in lines] == ["Career services", "x" * 61, None]
        assert lines[1].outcome is InviteeOutcome.REFUSED
        assert lines[1].reason == "department: it has 61 letters; at most 60 fit"
        made = member_imports.keep(session, owner, oxford, name="p.csv", sha256="0" * 64, lines=lines)
        mend = member_imports.refused_csv(session, made.id).decode("utf-8-sig").splitlines()
        assert mend[0] == "email,name,role,department,Problem" and f",{'x' * 61}," in mend[1]
        member_imports.confirm(session, owner, oxford, made.id, skip_bad=True)
    invite_people(str(made.id), str(oxford))
    with unit_of_work(Scope.public()) as session:
        joining.accept(session, tokens("ann@x.test")[0], signed_in_as=None)
    assert of(oxford, "ann@x.test").department == "Career services" and tokens("bob@x.test") == []
    read_again = member_files.read_people("\n".join(mend).encode(), role=LEARNER, refusal=lambda _role: None)
    assert len(read_again) == 1  # what comes back can be mended and uploaded
