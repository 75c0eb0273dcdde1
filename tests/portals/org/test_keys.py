"""API keys in the organization's portal: the secret once, no key without a scope, and who is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.db.session import unit_of_work
from app.identity import api_keys
from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import organizations, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser

HERE = "/org/oxford/settings/keys"
SignIn = Callable[[Portal, str], Browser]


@pytest.fixture
def oxford(app: Any) -> UUID:
    return organizations.organization("oxford")


@pytest.fixture
def owner(oxford: UUID, sign_in: SignIn) -> Browser:
    people.member(oxford, Role.OWNER, "olga@oxford.test")
    return sign_in(Portal.ORG, "olga@oxford.test")


def made(oxford: UUID) -> list[Any]:
    with unit_of_work(PLATFORM) as session:
        return list(api_keys.keys(session, oxford))


def test_the_secret_is_shown_once(oxford: UUID, owner: Browser) -> None:
    assert "No keys yet" in owner.get(HERE).text
    answer = owner.post(f"{HERE}/new", {"name": "Web shop", "payees_read": "y"})
    secret = re.search(r"qs_[\w-]{40,}", answer.text)
    assert answer.status_code == 200 and secret
    assert answer.headers["Cache-Control"].startswith("no-store")
    page = owner.get(HERE).text
    assert secret[0] not in page and secret[0][-4:] in page and "Web shop" in page and "Read payees" in page
    with unit_of_work(PLATFORM) as session:
        stored = session.connection().exec_driver_sql("SELECT secret_sealed FROM api_keys").scalar_one()
    assert secret[0] not in stored


def test_wrong_input_keeps_what_was_written(oxford: UUID, owner: Browser) -> None:
    nothing_chosen = owner.post(f"{HERE}/new", {"name": "Web shop"})
    assert nothing_chosen.status_code == 422 and "Choose what the key may do." in nothing_chosen.text
    assert 'value="Web shop"' in nothing_chosen.text
    assert owner.post(f"{HERE}/new", {"name": "", "payees_read": "y"}).status_code == 422
    assert owner.post(f"{HERE}/new", {"name": "x" * 81, "payees_read": "y"}).status_code == 422
    assert made(oxford) == []


def test_what_only_the_platform_calls_is_not_offered(oxford: UUID, owner: Browser, sign_in: SignIn) -> None:
    page = owner.get(f"{HERE}/new").text
    assert "Read payees" in page and "Read payouts" not in page and "Bring statements" not in page
    assert owner.post(f"{HERE}/new", {"name": "Web shop", "payouts_read": "y"}).status_code == 422
    people.admin("root@quittance.test")
    admin = sign_in(Portal.ADMIN, "root@quittance.test")
    assert "Read payouts" in admin.get("/admin/settings/keys/new").text
    assert admin.post("/admin/settings/keys/new", {"name": "Books", "payouts_read": "y"}).status_code == 200
    assert made(oxford) == []


def test_revoking_asks_first(oxford: UUID, owner: Browser) -> None:
    owner.post(f"{HERE}/new", {"name": "Web shop", "payees_read": "y"})
    (key,) = made(oxford)
    assert "Revoke “Web shop”?" in owner.get(f"{HERE}/{key.id}/removal").text
    assert made(oxford)[0].revoked_at is None
    assert owner.post(f"{HERE}/{key.id}/removal").status_code == 303
    assert made(oxford)[0].revoked_at is not None
    assert "Revoked" in owner.get(HERE).text


def test_who_is_refused(oxford: UUID, owner: Browser, sign_in: SignIn) -> None:
    owner.post(f"{HERE}/new", {"name": "Web shop", "payees_read": "y"})
    (key,) = made(oxford)
    people.member(oxford, Role.MANAGER, "mia@oxford.test")
    manager = sign_in(Portal.ORG, "mia@oxford.test")
    for path in (HERE, f"{HERE}/new", f"{HERE}/{key.id}/removal"):
        assert manager.get(path).status_code == 403
    assert manager.post(f"{HERE}/new", {"name": "Mine", "payees_read": "y"}).status_code == 403
    people.member(organizations.organization("cambridge"), Role.OWNER, "carl@cambridge.test")
    other = sign_in(Portal.ORG, "carl@cambridge.test")
    assert other.get(HERE).status_code == 404
    assert other.post(f"/org/cambridge/settings/keys/{key.id}/removal").status_code == 404
    assert [row.revoked_at for row in made(oxford)] == [None]
    people.admin("root@quittance.test")
    admin = sign_in(Portal.ADMIN, "root@quittance.test")
    assert "Web shop" not in admin.get("/admin/settings/keys").text
    assert admin.post(f"/admin/settings/keys/{key.id}/removal").status_code == 404
