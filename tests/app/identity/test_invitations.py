"""Accounts by portal and address, and invitations that link them to a payee."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.core import clock
from app.core.errors import Conflict, Gone, Invalid
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity import queries, service, sessions
from app.identity.service import Link
from app.identity.sessions import Browser
from app.identity.states import Portal
from app.notify import sign_in
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor

Superuser = psycopg.Connection[tuple[Any, ...]]
HERE = Browser("pytest", "127.0.0.1")


def invite(payee_id: UUID | None, email: str = "maya@example.test", portal: Portal = Portal.VENDOR) -> Link:
    with unit_of_work(Scope.public()) as session:
        return service.invite(session, portal, email, "Maya", payee_id=payee_id)


def use(token: str, portal: Portal = Portal.VENDOR) -> sessions.Opened:
    with unit_of_work(Scope.public()) as session:
        return service.use_link(session, portal, token, HERE)


def test_an_invitation_makes_the_account_and_opens_its_session(database_url: str) -> None:
    payee_id = vendor(organization())
    link = invite(payee_id)
    opened = use(link.token)
    assert opened.signed_in.payee_id == payee_id
    assert opened.signed_in.email == "maya@example.test"
    with unit_of_work(Scope.public()) as session:
        assert sessions.load(session, opened.token) == opened.signed_in
        assert [card.email for card in queries.accounts_of_payee(session, payee_id)] == ["maya@example.test"]


def test_it_lasts_seven_days_and_works_once(database_url: str) -> None:
    payee_id = vendor(organization())
    early, late = invite(payee_id), invite(payee_id)
    with clock.at(clock.utc_now() + timedelta(days=7, minutes=1)), pytest.raises(Gone):
        use(late.token)
    with clock.at(clock.utc_now() + timedelta(days=6, hours=23)):
        use(early.token)
        with pytest.raises(Gone):
            use(early.token)


def test_two_at_once_open_one_session(database_url: str, superuser: Superuser) -> None:
    link = invite(vendor(organization()))

    def try_it(_n: int) -> bool:
        try:
            use(link.token)
        except Gone:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, range(8))) == 1
    assert superuser.execute("SELECT count(*) FROM sign_in_sessions").fetchone() == (1,)


def test_an_address_signs_in_for_one_payee_in_a_portal(database_url: str) -> None:
    organization_id = organization()
    invite(vendor(organization_id))
    with pytest.raises(Conflict, match="signs in for somebody else"):
        invite(vendor(organization_id, "Other Ltd"))
    people.account(Portal.ADMIN, "maya@example.test")  # another portal is another account


def test_the_same_address_in_capitals_is_the_same_account(database_url: str) -> None:
    payee_id = vendor(organization())
    assert invite(payee_id).account_id == invite(payee_id, " Maya@Example.TEST ").account_id
    with pytest.raises(Conflict):
        people.account(Portal.VENDOR, "MAYA@example.test", payee_id)


@pytest.mark.parametrize(
    "address", ["", "maya", "maya@", "@example.test", "maya@example", "ma ya@example.test", "maya@example.test\nBcc: x",
                "maya..x@example.test", "maya@-example.test", f"{'m' * 65}@example.test", "máya@example.test"]
)  # fmt: skip
def test_what_is_no_address(database_url: str, address: str) -> None:
    with pytest.raises(Invalid, match="Write an e-mail address"):
        invite(None, address, Portal.ADMIN)


def test_tokens_are_nowhere_in_the_database(database_url: str, superuser: Superuser) -> None:
    link = invite(vendor(organization()))
    opened = use(link.token)
    for table in ("one_time_tokens", "sign_in_sessions", "accounts", "audit_records", "mails", "outbox"):
        text = superuser.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t").fetchone()
        assert text
        assert link.token not in text[0]
        assert opened.token not in text[0]
    assert link.token not in repr(link)
    assert opened.token not in repr(opened)


def test_an_invitation_is_mailed_and_noted(database_url: str, superuser: Superuser) -> None:
    organization_id = organization()
    payee_id = vendor(organization_id)
    with unit_of_work(Scope.organization(organization_id)) as session:
        sign_in.invite(
            session,
            operator(),
            Portal.VENDOR,
            "maya@example.test",
            "Maya",
            inviter="Oxford City Council",
            payee_id=payee_id,
            organization_id=organization_id,
        )
    mail = superuser.execute("SELECT to_address, subject, template FROM mails").fetchone()
    assert mail == ("maya@example.test", "Oxford City Council invites you to Quittance", "invitation")
    noted = superuser.execute(
        "SELECT organization_id, action FROM audit_records WHERE action LIKE 'account.%%'", []
    ).fetchone()
    assert noted == (organization_id, "account.invited")


def test_an_operators_link_is_noted_and_not_counted(database_url: str, superuser: Superuser) -> None:
    people.account(Portal.ADMIN, "admin@example.test")
    with unit_of_work(Scope.platform("tests")) as session:
        for _n in range(7):
            url = sign_in.operator_link(session, operator("root"), Portal.ADMIN, "admin@example.test", "https://x.test")
            assert url
            assert url.startswith("https://x.test/admin/signin/")
        assert sign_in.operator_link(session, operator("root"), Portal.ADMIN, "nobody@example.test") is None
    noted = superuser.execute("SELECT count(*) FROM audit_records WHERE action = 'account.login_link'").fetchone()
    assert noted == (7,)


def test_signing_out_everywhere_voids_links_too(database_url: str) -> None:
    payee_id = vendor(organization())
    link, other = invite(payee_id), invite(payee_id)
    opened = use(link.token)
    with unit_of_work(Scope.public()) as session:
        assert sessions.sign_out_everywhere(session, opened.signed_in.account_id) == 1
        assert sessions.load(session, opened.token) is None
    with pytest.raises(Gone):
        use(other.token)
