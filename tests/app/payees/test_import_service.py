"""Payees from a file are written once, in chunks that can be killed, and nobody is invited twice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.scope import Actor, Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.payees import import_rows, import_service
from app.payees.import_service import Preview, UploadedFile
from app.payees.importing import Choices, Settings, read_payees
from app.payees.states import PayeeImportStatus, PayeeKind, RowOutcome
from jobs import payees as jobs
from jobs.runtime import run_due
from tests.factories import organizations, payees, people
from tests.portals.org.conftest import statements

pytestmark = pytest.mark.usefixtures("database_url")
CREATOR, VENDOR = PayeeKind.CREATOR, PayeeKind.VENDOR


@pytest.fixture
def oxford() -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def manager(oxford: UUID) -> Actor:
    return people.member(oxford, Role.MANAGER)


def looked(actor: Actor, organization_id: UUID, text: str, kind: PayeeKind, *, invites: bool) -> tuple[UUID, Preview]:
    settings = Settings(kind, invites, "GBP", 30)
    with unit_of_work(Scope.organization(organization_id)) as session:
        found = import_service.preview(
            session, actor, organization_id, read_payees(text.encode(), Choices(), settings), settings
        )
        kept = import_service.keep_upload(
            session, actor, organization_id, UploadedFile("p.csv", "0" * 64), kind=kind, invites=invites, currency="GBP"
        )
    return kept.id, found


def confirmed(
    actor: Actor, organization_id: UUID, text: str, kind: PayeeKind = CREATOR, *, invites: bool = True
) -> UUID:
    import_id, found = looked(actor, organization_id, text, kind, invites=invites)
    with unit_of_work(Scope.organization(organization_id)) as session:
        import_service.confirm(session, actor, organization_id, import_id, found, skip_bad=True)
    return import_id


def outcomes(superuser: Any, import_id: UUID) -> list[tuple[int, str, str | None]]:
    found = superuser.execute(
        "SELECT line, outcome, reason FROM payee_import_rows WHERE import_id = %s ORDER BY line", [import_id]
    )
    return list(found.fetchall())


def count(superuser: Any, table: str) -> int:
    return int(superuser.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_invited_with_terms_and_tags(oxford: UUID, manager: Actor, superuser: Any) -> None:
    text = "email,name,reference,currency,commission,tags\na@b.test,Amara,C-1,EUR,15,vip;new\nt@m.test,,,,,\nbad,,,,,\n"
    import_id = confirmed(manager, oxford, text)
    run_due()
    assert outcomes(superuser, import_id) == [
        (2, "invited", None), (3, "invited", None), (4, "refused", "email: “bad” is not an e-mail address")
    ]  # fmt: skip
    rows = superuser.execute(
        """SELECT p.kind, p.name, e.reference, e.currency, e.commission_bps, a.portal, a.email, a.time_zone,
            (SELECT string_agg(tag, ',' ORDER BY tag) FROM engagement_tags t WHERE t.payee_id = p.id)
        FROM payees p JOIN engagements e ON e.payee_id = p.id JOIN accounts a ON a.payee_id = p.id ORDER BY p.name"""
    ).fetchall()
    assert rows == [
        ("creator", "Amara", "C-1", "EUR", 1500, "creator", "a@b.test", "Europe/London", "new,vip"),
        ("creator", "t@m.test", None, "GBP", 0, "creator", "t@m.test", "Europe/London", None),
    ]
    rates = superuser.execute("SELECT commission_bps, set_by FROM commission_rates ORDER BY 1").fetchall()
    assert rates == [(0, manager.label), (1500, manager.label)]
    mails = superuser.execute("SELECT to_address, template, context::text FROM mails ORDER BY to_address").fetchall()
    assert [(row[0], row[1]) for row in mails] == [("a@b.test", "invitation"), ("t@m.test", "invitation")]
    assert all("/signin/" not in row[2] for row in mails)  # the link is sealed
    audit = superuser.execute("SELECT action, count(*) FROM audit_records WHERE account_id = %s GROUP BY 1 ORDER BY 1",
                              [manager.account_id]).fetchall()  # fmt: skip
    assert audit == [("account.invited", 2), ("payee.created", 2), ("payees.imported", 1), ("payees.uploaded", 1)]


def test_the_same_file_again_adds_and_mails_nothing(oxford: UUID, manager: Actor, superuser: Any) -> None:
    text = "email,name\na@b.test,Amara\nt@m.test,Theo\n"
    confirmed(manager, oxford, text)
    run_due()
    again = confirmed(manager, oxford, text)
    run_due()
    assert [row[1] for row in outcomes(superuser, again)] == ["known", "known"]
    assert count(superuser, "payees") == 2 and count(superuser, "mails WHERE template = 'invitation'") == 2


def test_held_against_the_directory(oxford: UUID, manager: Actor) -> None:
    payees.vendor(oxford, "Acorn", reference="A-1", email="office@acorn.test")
    payees.vendor(oxford, "Birch", reference="B-1")
    payees.vendor(oxford, "Cedar", reference="C-1")
    bath = organizations.organization("bath")
    people.payee(payees.vendor(bath, "Elsewhere"), "taken@else.test")
    text = (
        "email,name,reference\noffice@acorn.test,Acorn,a-1\nother@acorn.test,X,B-1\n,Cedar,c-1\n"
        "taken@else.test,Y,\n,acorn,\nnew@new.test,New,N-1\n"
    )
    _id, found = looked(manager, oxford, text, VENDOR, invites=False)
    assert sorted(found.known) == [2, 4, 6] and found.new == 2
    assert [(f.line, f.reason) for f in found.faults] == [(3, "“B-1” belongs to Birch")]
    with_addresses = text.replace("\n,Cedar,c-1", "").replace("\n,acorn,", "")
    invited, found = looked(manager, oxford, with_addresses, VENDOR, invites=True)
    assert [(f.line, f.reason) for f in found.faults] == [
        (3, "“B-1” belongs to Birch"),
        (4, "taken@else.test signs in for somebody else in the vendor portal"),
    ]
    with pytest.raises(Invalid) as refused, unit_of_work(Scope.organization(oxford)) as session:
        import_service.confirm(session, manager, oxford, invited, found)
    assert "skip_bad" in refused.value.fields


def test_a_run_that_dies_is_gone_on_with(oxford: UUID, manager: Actor, superuser: Any) -> None:
    text = "email\n" + "".join(f"p{n}@x.test\n" for n in range(25))
    import_id = confirmed(manager, oxford, text)
    with unit_of_work(Scope.organization(oxford)) as session:
        assert import_rows.take_chunk(session, oxford, import_id, 10)
    with pytest.raises(ZeroDivisionError), unit_of_work(Scope.organization(oxford)) as session:
        assert import_rows.take_chunk(session, oxford, import_id, 10) / 0  # killed before it commits
    assert count(superuser, "payees") == 10 and count(superuser, "mails") == 10
    jobs.import_payees(str(import_id), str(oxford))
    jobs.import_payees(str(import_id), str(oxford))
    assert count(superuser, "payees") == 25 and count(superuser, "mails") == 25
    with unit_of_work(Scope.organization(oxford)) as session:
        record = import_service.locked(session, oxford, import_id)
        assert (record.status, record.summary) == (
            PayeeImportStatus.DONE,
            {"waiting": 0, "added": 0, "invited": 25, "known": 0, "refused": 0},
        )


def test_somebody_who_came_since_the_preview_is_known(oxford: UUID, manager: Actor, superuser: Any) -> None:
    import_id = confirmed(manager, oxford, "email,reference\na@b.test,\nc@d.test,R-1\n", VENDOR)
    payees.vendor(oxford, "Amara", email="a@b.test")
    payees.vendor(oxford, "Ref", reference="r-1")
    jobs.import_payees(str(import_id), str(oxford))
    assert outcomes(superuser, import_id) == [
        (2, "known", None), (3, "refused", "Reference: “R-1” belongs to Ref")
    ]  # fmt: skip


def test_thousands_take_a_handful_of_statements_a_chunk(oxford: UUID, manager: Actor, superuser: Any) -> None:
    text = "email,name,tags\n" + "".join(f"p{n}@x.test,Person {n},a;b\n" for n in range(1_200))
    import_id = confirmed(manager, oxford, text)
    with statements() as sent, unit_of_work(Scope.organization(oxford)) as session:
        import_rows.take_chunk(session, oxford, import_id)
    assert len(sent) < 25
    jobs.import_payees(str(import_id), str(oxford))
    assert count(superuser, "engagements") == 1_200 and count(superuser, "engagement_tags") == 2_400
    assert count(superuser, "outbox WHERE topic = 'mail.queued'") == 1_200


def test_who_may_not_and_once_only(oxford: UUID, manager: Actor) -> None:
    support, stranger = (
        people.member(oxford, Role.SUPPORT),
        people.member(organizations.organization("bath"), Role.OWNER),
    )
    import_id, found = looked(manager, oxford, "email\na@b.test\n", CREATOR, invites=True)
    with unit_of_work(Scope.organization(oxford)) as session:
        for actor in (support, stranger):
            with pytest.raises(Forbidden):
                import_service.confirm(session, actor, oxford, import_id, found)
            with pytest.raises(Forbidden):
                import_service.discard(session, actor, oxford, import_id)
        with pytest.raises(Invalid):
            import_service.keep_upload(
                session, manager, oxford, UploadedFile("p.csv", "0"), kind=PayeeKind.ORGANIZATION, invites=False,
                currency="GBP",
            )  # fmt: skip
        import_service.confirm(session, manager, oxford, import_id, found)
        with pytest.raises(Conflict):
            import_service.confirm(session, manager, oxford, import_id, found)
        with pytest.raises(Conflict):
            import_service.discard(session, manager, oxford, import_id)
        assert import_rows.counts(session, import_id)[RowOutcome.WAITING] == 1


def test_a_login_made_meanwhile_is_not_taken_over(oxford: UUID, manager: Actor, superuser: Any) -> None:
    """The payee is added; the login of somebody else stays theirs."""
    import_id = confirmed(manager, oxford, "email\na@b.test\n", VENDOR)
    elsewhere = payees.vendor(organizations.organization("bath"), "Elsewhere")
    people.account(Portal.VENDOR, "a@b.test", elsewhere)
    jobs.import_payees(str(import_id), str(oxford))
    assert outcomes(superuser, import_id)[0][1] == "refused"
    assert count(superuser, f"accounts WHERE payee_id = '{elsewhere}'") == 1
