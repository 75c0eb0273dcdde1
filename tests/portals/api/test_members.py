"""Members and invitations as JSON, as the contract has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.core.clock import at, utc_now
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import consultations as consultants
from tests.factories import drafts, organizations, people
from tests.factories.invitations import invite, tokens
from tests.portals.conftest import Browser
from tests.stores import environment

ANN = "ann@fernhill.test"


@pytest.fixture
def fernhill(database_url: str) -> UUID:
    return organizations.organization("fernhill")


@pytest.fixture
def olga(fernhill: UUID, sign_in: Any) -> Browser:
    people.member(fernhill, Role.OWNER, "olga@fernhill.test")
    signed_in: Browser = sign_in(Portal.ORG, "olga@fernhill.test")
    return signed_in


def call(browser: Browser, method: str, path: str, body: object = None) -> TestResponse:
    return browser.open(path, method=method, json=body, headers={"X-CSRFToken": browser.csrf_token()})


def members(browser: Browser, fernhill: UUID) -> dict[str, dict[str, Any]]:
    rows = browser.get(f"/api/organizations/{fernhill}/members").get_json()["data"]
    return {row["email"]: row for row in rows}


def test_members_are_added_changed_and_removed(fernhill: UUID, olga: Browser) -> None:
    path = f"/api/organizations/{fernhill}/members"
    made = call(olga, "POST", path, {"email": "Ann@Fernhill.test", "name": "Ann", "role": "ORG_LEARNER"})
    assert made.status_code == 201
    ann = made.get_json()
    assert (ann["email"], ann["role"], ann["rank"], ann["status"]) == (ANN, "ORG_LEARNER", 20, "ACTIVE")
    twice = call(olga, "POST", path, {"email": ANN, "role": "ORG_ADMIN"})
    assert twice.status_code == 409 and twice.mimetype == "application/problem+json"
    one = f"{path}/{ann['id']}"
    assert call(olga, "PATCH", one, {"role": "ORG_MANAGER"}).get_json()["role"] == "ORG_MANAGER"
    assert call(olga, "PATCH", one, {"role": "ORG_KING"}).get_json()["errors"]["role"]
    assert call(olga, "PATCH", one, {"status": "GONE"}).status_code == 422
    assert call(olga, "DELETE", one).status_code == 204 and ANN not in members(olga, fernhill)
    assert call(olga, "DELETE", one).status_code == 404
    own = members(olga, fernhill)["olga@fernhill.test"]
    assert call(olga, "DELETE", f"{path}/{own['id']}").status_code == 409  # the last owner
    assert call(olga, "PATCH", f"{path}/{own['id']}", {"role": "ORG_ADMIN"}).status_code == 403


def test_adding_at_once_takes_existing_accounts_as_they_are(fernhill: UUID, olga: Browser, superuser: Any) -> None:
    """The contract has two ways in: this one for members of record, invitations for who shall answer."""
    account_id = people.account(Portal.ORG, ANN)
    superuser.execute("UPDATE accounts SET name = 'Ann Marsh' WHERE id = %s", [account_id])
    path = f"/api/organizations/{fernhill}/members"
    invite(fernhill, (ANN, Role.LEARNER))
    made = call(olga, "POST", path, {"email": ANN, "name": "Somebody Else", "role": "ORG_MANAGER"})
    assert made.status_code == 201 and made.get_json()["name"] == "Ann Marsh"
    rows = superuser.execute("SELECT count(*) FROM accounts WHERE email = %s AND portal = 'org'", [ANN]).fetchone()
    assert rows == (1,)
    mails = superuser.execute("SELECT template FROM mails WHERE to_address = %s ORDER BY id", [ANN]).fetchall()
    assert mails == [("member_invitation",), ("invitation",)]  # told by mail; the link of before is dead
    assert superuser.execute("SELECT status FROM member_invitations").fetchone() == ("REVOKED",)
    people.account(Portal.ORG, "sus@fernhill.test")
    superuser.execute("UPDATE accounts SET status = 'suspended' WHERE email = 'sus@fernhill.test'")
    refused = call(olga, "POST", path, {"email": "sus@fernhill.test", "role": "ORG_LEARNER"})
    assert refused.status_code == 409 and "sus@fernhill.test" not in members(olga, fernhill)
    for wrong in ({"email": "nowhere", "role": "ORG_LEARNER"}, {"email": "x@x.test"}, {"role": "ORG_LEARNER"}):
        answer = call(olga, "POST", path, wrong)
        assert answer.status_code == 422 and answer.get_json()["errors"], wrong


def test_consultants_added_join_at_once_where_the_organization_says_so(fernhill: UUID, olga: Browser) -> None:
    path = f"/api/organizations/{fernhill}"
    assert call(olga, "PATCH", path, {"autoApproveConsultants": True}).status_code == 200
    made = call(olga, "POST", f"{path}/members", {"email": ANN, "role": "ORG_CONSULTANT"})
    assert made.status_code == 201 and made.get_json()["status"] == "ACTIVE"


def test_a_draft_is_launched_first(sign_in: Any, database_url: str) -> None:
    made = drafts.started(drafts.founder())
    nora = sign_in(Portal.ORG, drafts.OWNER)
    here = f"/api/organizations/{made}"
    assert nora.get(f"{here}/members").status_code == 200
    for method, path, body in (
        ("POST", "/members", {"email": ANN, "role": "ORG_LEARNER"}),
        ("POST", "/invitations", {"email": ANN, "role": "ORG_LEARNER"}),
        ("PATCH", "", {"name": "Mine"}),
    ):
        answer = call(nora, method, here + path, body)
        assert answer.status_code == 409 and "Launch it first" in answer.text
    assert tokens(ANN) == []


def test_lists_are_narrowed_and_paged(fernhill: UUID, olga: Browser) -> None:
    for n in range(3):
        people.member(fernhill, Role.LEARNER, f"learner{n}@fernhill.test")
    path = f"/api/organizations/{fernhill}/members"
    first = olga.get(f"{path}?role=ORG_LEARNER&limit=2").get_json()
    rest = olga.get(f"{path}?role=ORG_LEARNER&limit=2&cursor={first['nextCursor']}").get_json()
    assert [row["email"][:8] for row in first["data"] + rest["data"]] == ["learner0", "learner1", "learner2"]
    assert rest["nextCursor"] is None


def test_a_consultant_waits_is_approved_and_has_a_rate(fernhill: UUID, olga: Browser) -> None:
    path = f"/api/organizations/{fernhill}/members"
    made = call(olga, "POST", path, {"email": "priya@consultant.test", "role": "ORG_CONSULTANT"}).get_json()
    assert made["status"] == "PENDING" and made["customConsultantPayoutRate"] is None
    one = f"{path}/{made['id']}"
    rate = {"customConsultantPayoutRate": "0.85"}
    assert call(olga, "PATCH", one, rate).status_code == 409  # nobody engages them yet
    consultants.consultant(fernhill)
    both = call(olga, "PATCH", one, {"status": "ACTIVE", **rate}).get_json()
    assert (both["status"], both["customConsultantPayoutRate"]) == ("ACTIVE", "0.85")
    assert (
        call(olga, "PATCH", one, {"customConsultantPayoutRate": 0.8}).get_json()["customConsultantPayoutRate"] == "0.8"
    )
    for wrong in ("0.99999", 1.2, "much", True, "0.95"):  # 0.95: beyond what the platform leaves
        answer = call(olga, "PATCH", one, {"customConsultantPayoutRate": wrong})
        assert answer.status_code == 422 and "customConsultantPayoutRate" in answer.get_json()["errors"], wrong
    failed = call(olga, "PATCH", one, {"role": "ORG_LEARNER", **rate})
    assert failed.status_code == 422  # only consultants have one; and nothing of it was done
    assert members(olga, fernhill)["priya@consultant.test"]["role"] == "ORG_CONSULTANT"
    cleared = call(olga, "PATCH", one, {"customConsultantPayoutRate": None}).get_json()
    assert cleared["customConsultantPayoutRate"] is None


def test_ranks_hold(fernhill: UUID, olga: Browser, sign_in: Any) -> None:
    people.member(fernhill, Role.ADMIN, "ada@fernhill.test")
    people.member(fernhill, Role.MANAGER, "mona@fernhill.test")
    ada, mona = sign_in(Portal.ORG, "ada@fernhill.test"), sign_in(Portal.ORG, "mona@fernhill.test")
    path, rows = f"/api/organizations/{fernhill}/members", members(olga, fernhill)
    assert call(ada, "POST", path, {"email": ANN, "role": "ORG_ADMIN"}).status_code == 403
    for target in ("olga", "ada"):
        one = f"{path}/{rows[f'{target}@fernhill.test']['id']}"
        assert call(ada, "PATCH", one, {"role": "ORG_MANAGER"}).status_code == 403
    assert call(ada, "DELETE", f"{path}/{rows['olga@fernhill.test']['id']}").status_code == 403
    assert call(mona, "PATCH", f"{path}/{rows['ada@fernhill.test']['id']}", {"role": "ORG_LEARNER"}).status_code == 403
    assert call(mona, "POST", f"/api/organizations/{fernhill}/invitations", {"email": ANN}).status_code == 403
    assert call(mona, "DELETE", f"{path}/{rows['mona@fernhill.test']['id']}").status_code == 204  # who likes, leaves


def test_one_address_or_a_list_is_invited(fernhill: UUID, olga: Browser) -> None:
    path = f"/api/organizations/{fernhill}/invitations"
    one = call(olga, "POST", path, {"email": ANN, "role": "ORG_MANAGER"})
    assert one.status_code == 201 and one.get_json()["status"] == "PENDING" and "token" not in one.text
    assert call(olga, "POST", path, {"email": ANN, "role": "ORG_MANAGER"}).status_code == 409
    several = call(olga, "POST", path, {"emails": [ANN, "b@x.test", "c@x.test"], "role": "ORG_LEARNER"}).get_json()
    assert [row["email"] for row in several["data"]] == ["b@x.test", "c@x.test"]
    assert several["known"] == [{"email": ANN, "reason": "is invited already"}]
    mixed = {"invitations": [{"email": "d@x.test", "role": "ORG_ADMIN", "name": "Dee"}, {"email": "e@x.test"}]}
    assert call(olga, "POST", path, mixed).get_json()["errors"]["role"]
    assert call(olga, "POST", path, {**mixed, "role": "ORG_LEARNER"}).status_code == 201
    bad = call(olga, "POST", path, {"emails": ["f@x.test", "nowhere"], "role": "ORG_LEARNER"})
    assert bad.status_code == 422 and "nowhere" in bad.get_json()["errors"]["emails"] and tokens("f@x.test") == []
    listed = olga.get(f"{path}?status=PENDING&limit=2").get_json()
    assert len(listed["data"]) == 2 and listed["nextCursor"]
    assert call(olga, "DELETE", f"{path}/{one.get_json()['id']}").status_code == 204
    assert call(olga, "DELETE", f"{path}/{one.get_json()['id']}").status_code == 409
    assert [row["email"] for row in olga.get(f"{path}?status=REVOKED").get_json()["data"]] == [ANN]


def test_a_token_is_accepted_once_by_whom_it_was_mailed_to(fernhill: UUID, olga: Browser, client: Browser) -> None:
    path = "/api/organizations/invitations/accept"
    invite(fernhill, (ANN, Role.MANAGER), ("late@fernhill.test", Role.LEARNER))
    token = {"token": tokens(ANN)[0]}
    assert call(olga, "POST", path, token).status_code == 403
    assert olga.open(path, method="POST", json=token).status_code == 400  # a session needs its CSRF token
    done = client.open(path, method="POST", json=token)
    assert done.status_code == 200
    assert (done.get_json()["role"], done.get_json()["status"]) == ("ORG_MANAGER", "ACTIVE")
    assert client.open(path, method="POST", json=token).status_code == 410
    assert client.open(path, method="POST", json={}).status_code == 422
    with at(utc_now() + timedelta(days=8)):
        late = client.open(path, method="POST", json={"token": tokens("late@fernhill.test")[0]})
    assert late.status_code == 410 and late.mimetype == "application/problem+json"


def test_gated_roles_are_501_while_the_tier_is_off(fernhill: UUID, olga: Browser, client: Browser) -> None:
    people.member(fernhill, Role.LEARNER, "lea@fernhill.test")
    people.member(fernhill, Role.CONSULTANT, "cat@fernhill.test")
    invite(fernhill, (ANN, Role.CONSULTANT))
    here, rows = f"/api/organizations/{fernhill}", members(olga, fernhill)
    lea, cat = (f"{here}/members/{rows[f'{name}@fernhill.test']['id']}" for name in ("lea", "cat"))
    with environment(ENABLE_PROVIDER_ORGS="false"):
        for role in ("ORG_CONSULTANT", "ORG_SUPPORT"):
            assert call(olga, "POST", f"{here}/members", {"email": "x@x.test", "role": role}).status_code == 501
            assert call(olga, "POST", f"{here}/invitations", {"email": "x@x.test", "role": role}).status_code == 501
            assert call(olga, "PATCH", lea, {"role": role}).status_code == 501
            several = {
                "invitations": [{"email": "y@x.test", "role": "ORG_LEARNER"}, {"email": "x@x.test", "role": role}]
            }
            assert call(olga, "POST", f"{here}/invitations", several).status_code == 501
            several = {"emails": ["x@x.test", "y@x.test"], "role": role}
            assert call(olga, "POST", f"{here}/invitations", several).status_code == 501
        assert call(olga, "PATCH", cat, {"status": "ACTIVE"}).status_code == 501
        assert call(olga, "PATCH", cat, {"customConsultantPayoutRate": "0.8"}).status_code == 501
        accept = "/api/organizations/invitations/accept"
        assert client.open(accept, method="POST", json={"token": tokens(ANN)[0]}).status_code == 501
        assert tokens("x@x.test") == tokens("y@x.test") == []
        assert call(olga, "PATCH", cat, {"role": "ORG_LEARNER"}).status_code == 200  # a way out is open
        assert call(olga, "PATCH", lea, {"role": "ORG_MANAGER"}).status_code == 200


def test_strangers_find_nothing(fernhill: UUID, olga: Browser, client: Browser, sign_in: Any) -> None:
    other = organizations.organization("other")
    people.member(other, Role.OWNER, "odd@other.test")
    odd, own = sign_in(Portal.ORG, "odd@other.test"), members(olga, fernhill)["olga@fernhill.test"]["id"]
    for method, path in (
        ("GET", f"/api/organizations/{fernhill}/members"),
        ("GET", f"/api/organizations/{fernhill}/invitations"),
        ("DELETE", f"/api/organizations/{fernhill}/members/{own}"),
        ("DELETE", f"/api/organizations/{other}/members/{own}"),
    ):
        assert call(odd, method, path).status_code == 404
    assert client.get(f"/api/organizations/{fernhill}/members").status_code == 401


def test_departments_are_given_changed_and_listed(fernhill: UUID, olga: Browser) -> None:
    path = f"/api/organizations/{fernhill}/members"
    made = call(olga, "POST", path, {"email": ANN, "role": "ORG_LEARNER", "department": " Career  services "})
    ann = made.get_json()
    assert made.status_code == 201 and ann["department"] == "Career services"
    bad = call(olga, "PATCH", f"{path}/{ann['id']}", {"department": "x" * 61})
    assert bad.status_code == 422 and "at most 60" in bad.get_json()["errors"]["department"]
    assert call(olga, "PATCH", f"{path}/{ann['id']}", {"department": "Board"}).get_json()["department"] == "Board"
    own = members(olga, fernhill)["olga@fernhill.test"]
    assert call(olga, "PATCH", f"{path}/{own['id']}", {"department": "board"}).get_json()["department"] == "Board"
    assert call(olga, "PATCH", f"{path}/{own['id']}", {"department": "B", "role": "ORG_ADMIN"}).status_code == 403
    assert len(olga.get(f"{path}?department=Board").get_json()["data"]) == 2
    assert call(olga, "PATCH", f"{path}/{ann['id']}", {"department": None}).get_json()["department"] is None
    assert [row["email"] for row in olga.get(f"{path}?department=").get_json()["data"]] == [ANN]
    asked = call(
        olga, "POST", f"/api/organizations/{fernhill}/invitations",
        {"email": "bob@x.test", "role": "ORG_LEARNER", "department": "Library"},
    )  # fmt: skip
    assert asked.get_json()["department"] == "Library"
