"""Drafts nobody launched go with their parts and files; one that something hangs on stays."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core import clock
from app.core.clock import utc_now
from app.core.errors import Gone, NotFound
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.files import service as files
from app.files.models import FilePurpose
from app.files.sniffing import inspect
from app.files.storage import storage
from app.organizations import joining, service
from app.organizations.states import Role
from jobs import organizations as jobs
from tests.factories import drafts as making
from tests.factories import organizations, people
from tests.factories.invitations import invite, tokens
from tests.factories.payees import vendor
from tests.stores import environment

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture(autouse=True)
def _files(database_url: str, tmp_path: Any) -> Any:
    with environment(FILES_URL=f"file://{tmp_path}"):
        yield


def document(organization_id: UUID) -> str:
    key = storage().put(PDF)
    with unit_of_work(Scope.organization(organization_id)) as session:
        files.add(
            session, making.owner(making.founder(f"f{organization_id.hex[-8:]}@x.test"), organization_id),
            inspect(PDF, "registration.pdf"), key, organization_id=organization_id, purpose=FilePurpose.ATTACHMENT,
            subject_id=organization_id,
        )  # fmt: skip
    return key


def later(hours: int) -> None:
    with clock.at(utc_now() + timedelta(hours=hours)):
        jobs.forget_drafts()


def there(superuser: Any) -> list[str]:
    return [row[0] for row in superuser.execute("SELECT slug FROM organizations ORDER BY slug")]


def test_a_stale_draft_goes_with_its_files_and_what_was_done_stays_on_record(superuser: Any) -> None:
    made = making.started(making.founder())
    key = document(made)
    organizations.organization("oxford")
    later(23)
    assert there(superuser) == ["northgate", "oxford"]
    later(25)
    assert there(superuser) == ["oxford"]
    with pytest.raises(NotFound):
        storage().get(key)
    for table in ("organization_drafts", "billing_profiles", "stored_files", "members"):
        assert superuser.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    acts = superuser.execute("SELECT action FROM audit_records WHERE organization_id = %s ORDER BY id", [made])
    assert "organization.drafted" in {row[0] for row in acts}
    later(26)


def test_what_something_hangs_on_stays(superuser: Any) -> None:
    nora = making.founder()
    with_payee, with_funds, with_member = (making.started(nora, slug) for slug in ("payee", "funds", "member"))
    empty = making.started(making.founder("olga@x.test"), "empty", "olga@x.test")
    vendor(with_payee)
    organizations.credit(with_funds, 100_000)
    with unit_of_work(people.PLATFORM) as session:
        account_id = people.account(people.Portal.ORG, "mia@x.test")
        service.add_member(
            session, people.Actor("T", "operator"), with_member, account_id=account_id, name="Mia", email="mia@x.test",
            role=Role.MANAGER,
        )  # fmt: skip
    later(25)
    assert there(superuser) == ["funds", "member", "payee"]
    assert superuser.execute("SELECT count(*) FROM members WHERE organization_id = %s", [empty]).fetchone() == (0,)


def invited(organization_id: UUID, email: str = "kit@x.test") -> str:
    """Asked to join; the link's token."""
    invite(organization_id, (email, Role.MANAGER))
    (token,) = tokens(email)
    return token


def test_who_was_only_asked_keeps_no_draft_and_the_link_is_dead(superuser: Any) -> None:
    nora = making.founder()
    made, joined_one = making.started(nora), making.started(nora, "joined")
    key = document(made)
    token, other = invited(made), invited(joined_one, "lee@x.test")
    with unit_of_work(Scope.public()) as session:
        joining.accept(session, other, signed_in_as=None)
    later(23)
    assert there(superuser) == ["joined", "northgate"]
    later(25)
    assert there(superuser) == ["joined"]  # one who joined does keep it
    with pytest.raises(NotFound):
        storage().get(key)
    assert superuser.execute("SELECT count(*) FROM member_invitations").fetchone() == (1,)
    with pytest.raises(Gone), unit_of_work(Scope.public()) as session:
        joining.accept(session, token, signed_in_as=None)
    acts = superuser.execute("SELECT action FROM audit_records WHERE organization_id = %s", [made]).fetchall()
    assert ("member.invitation_revoked",) in acts


def test_who_joins_this_moment_keeps_it(superuser: Any) -> None:
    """The removal waits for the answer under way, and finds a second member then."""
    made = making.started(making.founder())
    token = invited(made)
    with unit_of_work(Scope.public()) as session:
        joining.accept(session, token, signed_in_as=None)
        removal = threading.Thread(target=later, args=(25,))
        removal.start()
        removal.join(1)
        assert removal.is_alive()
    removal.join()
    assert there(superuser) == ["northgate"]
    assert superuser.execute("SELECT count(*) FROM members").fetchone() == (2,)
