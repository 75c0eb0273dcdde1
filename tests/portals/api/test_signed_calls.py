"""Calls signed with an API key: taken once, within five minutes, for their own organization, as the key allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.core import clock
from app.core.scope import Permission
from app.db.session import unit_of_work
from app.identity import api_keys
from app.identity.api_keys import NewKey
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import organizations, people
from tests.factories.payees import vendor
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser


@dataclass
class Caller:
    """A program outside, with a key."""

    client: Browser
    key: NewKey
    stamps: Iterator[int] = field(default_factory=lambda: count(int(clock.utc_now().timestamp()), -1))

    def headers(
        self, method: str, target: str, body: bytes = b"", *, at_s: int | None = None, secret: str = ""
    ) -> dict[str, str]:
        # equal calls of one second have equal signatures: these are each of another second
        stamp = str(next(self.stamps) if at_s is None else at_s)
        signature = api_keys.signature_of(secret or self.key.secret, stamp, method, target, body)
        return {
            "X-Quittance-Key": self.key.public_key,
            "X-Quittance-Timestamp": stamp,
            "X-Quittance-Signature": signature,
        }

    def get(self, target: str, headers: dict[str, str] | None = None) -> TestResponse:
        return self.client.get(target, headers=headers or self.headers("GET", target))


@pytest.fixture
def oxford(app: Any) -> UUID:
    return organizations.organization("oxford")


def key(organization_id: UUID | None, *scopes: str) -> NewKey:
    maker = people.admin() if organization_id is None else people.member(organization_id, Role.OWNER)
    with unit_of_work(PLATFORM) as session:
        return api_keys.make(session, maker, "Shop", scopes or ["payees.read"], organization_id=organization_id)


@pytest.fixture
def caller(oxford: UUID, client: Browser) -> Caller:
    return Caller(client, key(oxford))


def test_a_signed_call_reads_its_organization(oxford: UUID, caller: Caller) -> None:
    vendor(oxford, "SMS Connections Ltd", reference="42")
    vendor(organizations.organization("cambridge"), "Somebody Else")
    answer = caller.get(f"/api/organizations/{oxford}/payees?q=sms")
    assert answer.status_code == 200
    (row,) = answer.get_json()["data"]
    assert (row["name"], row["reference"], row["kind"], row["status"]) == (
        "SMS Connections Ltd",
        "42",
        "VENDOR",
        "ACTIVE",
    )
    assert [row["name"] for row in caller.get(f"/api/organizations/{oxford}/payees").get_json()["data"]] == [
        "SMS Connections Ltd"
    ]
    with unit_of_work(PLATFORM) as session:
        assert api_keys.keys(session, oxford)[0].last_used_at is not None


def test_a_signature_counts_once(oxford: UUID, caller: Caller) -> None:
    target = f"/api/organizations/{oxford}/payees"
    headers = caller.headers("GET", target)
    assert caller.get(target, headers).status_code == 200
    again = caller.get(target, headers)
    assert again.status_code == 401 and "used before" in again.get_json()["detail"]


def test_a_refused_call_cannot_be_sent_again_either(oxford: UUID, caller: Caller) -> None:
    target = f"/api/organizations/{oxford}/payees?limit=0"
    headers = caller.headers("GET", target)
    assert caller.get(target, headers).status_code == 422
    assert caller.get(target, headers).status_code == 401


@pytest.mark.parametrize("away", [-301, 301])
def test_the_clock_matters(oxford: UUID, caller: Caller, away: int) -> None:
    target = f"/api/organizations/{oxford}/payees"
    now = int(clock.utc_now().timestamp())
    assert caller.get(target, caller.headers("GET", target, at_s=now + away)).status_code == 401
    assert caller.get(target, caller.headers("GET", target, at_s=now + away // 2)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"X-Quittance-Signature": "0" * 64},
        {"X-Quittance-Signature": ""},
        {"X-Quittance-Signature": "ü"},
        {"X-Quittance-Timestamp": "soon"},
        {"X-Quittance-Timestamp": ""},
        {"X-Quittance-Key": "qk_unknown"},
    ],
)
def test_what_does_not_fit_is_refused(oxford: UUID, caller: Caller, change: dict[str, str]) -> None:
    target = f"/api/organizations/{oxford}/payees"
    answer = caller.get(target, caller.headers("GET", target) | change)
    assert answer.status_code == 401 and answer.content_type == "application/problem+json"
    assert caller.key.secret not in answer.text


def test_the_signature_covers_method_query_and_body(oxford: UUID, caller: Caller) -> None:
    target = f"/api/organizations/{oxford}/payees"
    for headers in (
        caller.headers("POST", target),
        caller.headers("GET", f"{target}?limit=200"),
        caller.headers("GET", target, b"{}"),
        caller.headers("GET", target, secret="qs_another"),
    ):
        assert caller.get(target, headers).status_code == 401


def test_another_organization_is_not_found(oxford: UUID, caller: Caller) -> None:
    cambridge = organizations.organization("cambridge")
    assert caller.get(f"/api/organizations/{cambridge}/payees").status_code == 404
    assert caller.get("/api/admin/vendors").status_code == 404


def test_a_key_may_what_its_scopes_say(oxford: UUID, client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(api_keys.API_SCOPES, "payees.read", frozenset({Permission.FUNDS_READ}))
    answer = Caller(client, key(oxford)).get(f"/api/organizations/{oxford}/payees")
    assert answer.status_code == 403


def test_a_revoked_key_is_over(oxford: UUID, caller: Caller) -> None:
    owner = people.member(oxford, Role.OWNER, "olga@oxford.test")
    with unit_of_work(PLATFORM) as session:
        api_keys.revoke(session, owner, caller.key.id, organization_id=oxford)
        api_keys.revoke(session, owner, caller.key.id, organization_id=oxford)
    assert caller.get(f"/api/organizations/{oxford}/payees").status_code == 401


def test_keys_of_the_platform_read_all_payees(oxford: UUID, client: Browser) -> None:
    mine = vendor(oxford, "SMS Connections Ltd")
    program = Caller(client, key(None))
    listed = program.get("/api/admin/vendors?limit=1").get_json()
    assert [row["id"] for row in listed["data"]] == [str(mine)] and listed["nextCursor"] is None
    one = program.get(f"/api/admin/vendors/{mine}").get_json()
    assert one["engagements"][0]["organizationId"] == str(oxford) and one["engagements"][0]["currency"] == "GBP"
    assert program.get(f"/api/admin/creators/{mine}").status_code == 404
    assert program.get(f"/api/organizations/{oxford}/payees").status_code == 200


def test_members_and_admins_use_their_session(
    oxford: UUID, client: Browser, sign_in: Callable[[Portal, str], Browser]
) -> None:
    target = f"/api/organizations/{oxford}/payees"
    people.member(oxford, Role.MANAGER, "mia@oxford.test")
    people.member(oxford, Role.LEARNER, "leo@oxford.test")
    people.member(organizations.organization("cambridge"), Role.OWNER, "olga@cambridge.test")
    people.admin("root@quittance.test")
    assert client.get(target).status_code == 401
    assert sign_in(Portal.ORG, "mia@oxford.test").get(target).status_code == 200
    assert sign_in(Portal.ORG, "leo@oxford.test").get(target).status_code == 403
    assert sign_in(Portal.ORG, "olga@cambridge.test").get(target).status_code == 404
    assert sign_in(Portal.ADMIN, "root@quittance.test").get("/api/admin/vendors").status_code == 200
    assert sign_in(Portal.ORG, "mia@oxford.test").get("/api/admin/vendors").status_code == 404


def test_used_signatures_are_forgotten_when_they_are_too_old_to_come_again(oxford: UUID, caller: Caller) -> None:
    assert caller.get(f"/api/organizations/{oxford}/payees").status_code == 200
    with unit_of_work(PLATFORM) as session:
        assert api_keys.forget_old(session, 100) == 0
    with clock.at(clock.utc_now() + timedelta(minutes=16)), unit_of_work(PLATFORM) as session:
        assert api_keys.forget_old(session, 100) == 1
