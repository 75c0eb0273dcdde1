"""Files of people to invite: what is read of them, what is refused, and the job that asks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.organizations import member_files, member_imports, queries, service
from app.organizations.states import InviteeOutcome, MemberImportStatus, Role
from jobs.members import invite_people
from tests.factories import organizations, people
from tests.factories.invitations import invite, tokens
from tests.stores import environment

NAMES = {outcome: outcome.value for outcome in InviteeOutcome}


def read(text: str, role: Role = Role.LEARNER) -> list[tuple[int, str, str, str, str | None]]:
    found = member_files.read_people(text.encode(), role=role, refusal=lambda _role: None)
    return [(one.line, one.email, one.role, one.outcome.value, one.reason) for one in found]


def test_a_line_says_who_and_which_role() -> None:
    rows = read("E-Mail;Full name;Role\nANN@x.test ;Ann;Manager\nbob@x.test;;\nc@x.test;C;ORG_ADMIN\n")
    assert rows == [
        (2, "ann@x.test", "ORG_MANAGER", "waiting", None),
        (3, "bob@x.test", "ORG_LEARNER", "waiting", None),
        (4, "c@x.test", "ORG_ADMIN", "waiting", None),
    ]


def test_every_fault_of_a_line_is_named() -> None:
    rows = read("email,name,role\nnowhere,Ann,king\n,Bob,learner\nann@x.test,A,\nAnn@X.test,B,\n")
    said = {row[0]: (row[3], row[4]) for row in rows}
    assert said[2][0] == "refused"
    assert said[2][1] is not None and "“nowhere” is not an e-mail address; “king” is not a role" in said[2][1]
    assert said[3] == ("refused", "there is no address")
    assert said[4] == ("waiting", None) and said[5] == ("known", "the same address as in line 4")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name,role\nAnn,learner\n", "No column with e-mail"),
        ("email,e-mail\na@x.test,b@x.test\n", "Two columns say the email"),
        ("ann@x.test\nbob@x.test\n", "first line must name"),
        ("", "empty"),
    ],
)
def test_what_is_no_list_of_people_is_refused_whole(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        read(text)


def test_a_column_of_nothing_but_addresses_is_enough() -> None:
    assert [row[1] for row in read("email\nann@x.test\nbob@x.test\n")] == ["ann@x.test", "bob@x.test"]


@pytest.fixture
def oxford(database_url: str) -> UUID:
    return organizations.organization("oxford")


BODY = (
    "email,name,role\nann@x.test,Ann,learner\nbob@x.test,Bob,owner\nnowhere,,\nolga@x.test,,\nasked@x.test,,\n"
    "cat@x.test,Cat,consultant\nann@x.test,,\n"
)


def kept(oxford: UUID, actor: Actor, body: str = BODY) -> UUID:
    with unit_of_work(Scope.organization(oxford)) as session:
        lines = member_imports.read(actor, oxford, body.encode(), Role.LEARNER)
        return member_imports.keep(session, actor, oxford, name="p.csv", sha256="0" * 64, lines=lines).id


def outcomes(oxford: UUID, import_id: UUID) -> dict[int, tuple[str, str | None]]:
    with unit_of_work(Scope.organization(oxford)) as session:
        rows = member_imports.lines(session, import_id).items
    return {row.line: (NAMES[row.outcome], row.reason) for row in rows}


def test_preview_then_confirm_then_the_job_asks(oxford: UUID) -> None:
    admin = people.member(oxford, Role.ADMIN, "olga@x.test")
    invite(oxford, ("asked@x.test", Role.LEARNER))
    import_id = kept(oxford, admin)
    with unit_of_work(Scope.organization(oxford)) as session:
        record = session.get_one(member_imports.MemberImport, import_id)
        found = member_imports.preview(session, admin, record)
        assert (found.read, found.new, found.twice, found.bad) == (7, 2, 1, 2)
        assert found.here == {5: "is a member already", 6: "is invited already"}
        with pytest.raises(Invalid) as refused:
            member_imports.confirm(session, admin, oxford, import_id)
        assert "skip_bad" in refused.value.fields
    assert tokens("ann@x.test") == []
    with unit_of_work(Scope.organization(oxford)) as session:
        member_imports.confirm(session, admin, oxford, import_id, skip_bad=True)
    with pytest.raises(Conflict), unit_of_work(Scope.organization(oxford)) as session:
        member_imports.confirm(session, admin, oxford, import_id, skip_bad=True)
    with unit_of_work(Scope.organization(oxford)) as session:
        assert member_imports.take_chunk(session, oxford, import_id, size=1)  # a run that dies after one
    for _again in range(2):
        invite_people(str(import_id), str(oxford))
    after = outcomes(oxford, import_id)
    assert after[2] == ("invited", None) and after[7] == ("invited", None)
    assert after[3][0] == "refused" and "not below your own role" in (after[3][1] or "")
    assert after[5] == ("known", "is a member already") and after[6] == ("known", "is invited already")
    assert len(tokens("ann@x.test")) == len(tokens("cat@x.test")) == 1 and tokens("bob@x.test") == []
    with unit_of_work(Scope.organization(oxford)) as session:
        record = session.get_one(member_imports.MemberImport, import_id)
        assert record.status is MemberImportStatus.DONE
        assert record.summary == {"waiting": 0, "invited": 2, "known": 3, "refused": 2}


def test_who_confirms_must_be_allowed_every_role(oxford: UUID) -> None:
    owner, admin = people.member(oxford, Role.OWNER), people.member(oxford, Role.ADMIN)
    import_id = kept(oxford, owner, "email,role\nboss@x.test,owner\n")
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(oxford)) as session:
        member_imports.confirm(session, admin, oxford, import_id)
    with pytest.raises(Forbidden):
        kept(oxford, people.member(oxford, Role.MANAGER))


def test_a_gated_role_is_a_fault_and_refused_by_the_job(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER)
    import_id = kept(oxford, owner, "email,role\ncat@x.test,consultant\nann@x.test,learner\n")
    confirmed(oxford, owner, import_id)
    with environment(ENABLE_PROVIDER_ORGS="false"):
        faulty = kept(oxford, owner, "email,role\ncat@x.test,support\n")
        assert outcomes(oxford, faulty)[2][0] == "refused"
        invite_people(str(import_id), str(oxford))
    after = outcomes(oxford, import_id)
    assert after[2][0] == "refused" and "switched off" in (after[2][1] or "")
    assert after[3] == ("invited", None) and tokens("cat@x.test") == []
    assert summary(oxford, import_id)[0] is MemberImportStatus.DONE


def confirmed(oxford: UUID, actor: Actor, import_id: UUID) -> None:
    with unit_of_work(Scope.organization(oxford)) as session:
        member_imports.confirm(session, actor, oxford, import_id)


def summary(oxford: UUID, import_id: UUID) -> tuple[MemberImportStatus, dict[str, Any]]:
    with unit_of_work(Scope.organization(oxford)) as session:
        record = session.get_one(member_imports.MemberImport, import_id)
        return record.status, dict(record.summary or {})


def member_of(oxford: UUID, actor: Actor) -> UUID:
    with unit_of_work(Scope.organization(oxford)) as session:
        return next(row.member_id for row in queries.members(session, oxford) if row.account_id == actor.account_id)


@pytest.mark.parametrize("change", ["removed", "manager"])
def test_who_lost_the_role_meanwhile_asks_nobody_more(oxford: UUID, change: str) -> None:
    people.member(oxford, Role.OWNER)
    admin = people.member(oxford, Role.ADMIN, "dana@x.test")
    import_id = kept(oxford, admin, "email\nann@x.test\nbob@x.test\ncat@x.test\n")
    confirmed(oxford, admin, import_id)
    with unit_of_work(Scope.organization(oxford)) as session:
        assert member_imports.take_chunk(session, oxford, import_id, size=1)
    with unit_of_work(Scope.organization(oxford)) as session:
        if change == "removed":
            service.remove_member(session, operator(), oxford, member_of(oxford, admin))
        else:
            service.change_role(session, operator(), oxford, member_of(oxford, admin), Role.MANAGER)
    for _again in range(2):
        invite_people(str(import_id), str(oxford))
    after = outcomes(oxford, import_id)
    said = "Dana, who confirmed this file, may not invite people any more."
    assert after == {2: ("invited", None), 3: ("refused", said), 4: ("refused", said)}
    assert tokens("bob@x.test") == tokens("cat@x.test") == []
    status, found = summary(oxford, import_id)
    assert status is MemberImportStatus.FAILED and said in found["stopped"]
    assert (found["invited"], found["refused"], found["waiting"]) == (1, 2, 0)


def test_who_became_less_gives_what_is_below_them_alone(oxford: UUID) -> None:
    people.member(oxford, Role.OWNER)
    second = people.member(oxford, Role.OWNER, "dana@x.test")
    import_id = kept(oxford, second, "email,role\nann@x.test,admin\nbob@x.test,learner\n")
    confirmed(oxford, second, import_id)
    with unit_of_work(Scope.organization(oxford)) as session:
        service.change_role(session, operator(), oxford, member_of(oxford, second), Role.ADMIN)
    invite_people(str(import_id), str(oxford))
    after = outcomes(oxford, import_id)
    assert after[2][0] == "refused" and "not below your own role" in (after[2][1] or "")
    assert after[3] == ("invited", None) and tokens("ann@x.test") == []
    assert summary(oxford, import_id)[0] is MemberImportStatus.DONE


def test_an_upload_given_up_is_gone_with_its_lines(oxford: UUID) -> None:
    owner = people.member(oxford, Role.OWNER)
    import_id = kept(oxford, owner, "email\nann@x.test\n")
    with unit_of_work(Scope.organization(oxford)) as session:
        member_imports.discard(session, owner, oxford, import_id)
        assert list(member_imports.lines(session, import_id).items) == []
