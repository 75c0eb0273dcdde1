"""Every portal's sign-in pages, as a person and as a mail scanner meet them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from app.identity.states import Portal
from tests.factories import people
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.portals.conftest import Browser

Superuser = psycopg.Connection[tuple[Any, ...]]
EMAIL = "maya@example.test"


def make(portal: Portal, email: str = EMAIL) -> None:
    payee_id = vendor(organization()) if portal.is_payee else None
    people.account(portal, email, payee_id)


@pytest.mark.parametrize("portal", list(Portal))
def test_pages_show(client: Browser, portal: Portal) -> None:
    for path in ("signin", "signin/nonsense"):
        answer = client.get(f"/{portal.value}/{path}")
        assert answer.status_code in (200, 410), answer.text
        assert "<form" in answer.text or answer.status_code == 410
