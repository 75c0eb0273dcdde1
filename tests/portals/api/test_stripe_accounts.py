"""POST /api/v1/advisors/stripe-connect: the address of the set-up pages, for the consultant themself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.identity.states import Portal
from app.payees.states import PayeeKind
from tests.factories import organizations, payees, people
from tests.fakes import stripe_setup
from tests.fakes.simulator import SimulatorPeer
from tests.fakes.stripe_setup import visit
from tests.portals.conftest import Browser

HERE = "/api/v1/advisors/stripe-connect"


@pytest.fixture
def stripe(app: Any, tmp_path: Path) -> Iterator[SimulatorPeer]:
    with stripe_setup.simulated(tmp_path) as peer:
        yield peer


@pytest.fixture
def consultant(sign_in: Callable[[Portal, str], Browser]) -> Browser:
    payee_id = payees.vendor(organizations.organization("oxford"), "Dr Ada", kind=PayeeKind.CONSULTANT, country="US")
    people.payee(payee_id, "ada@consultant.test", Portal.CONSULTANT)
    return sign_in(Portal.CONSULTANT, "ada@consultant.test")


def ask(browser: Browser, body: dict[str, Any] | None = None) -> Any:
    headers = {"X-CSRFToken": browser.csrf_token()}
    return browser.open(HERE, method="POST", json=body or {}, headers=headers)


def test_an_address_for_one_visit(stripe: SimulatorPeer, consultant: Browser, superuser: Any) -> None:
    made = ask(consultant)
    assert made.status_code == 201, made.text
    url = made.get_json()["url"]
    assert ask(consultant).get_json()["url"] != url
    assert superuser.execute("SELECT count(*) FROM connected_accounts").fetchone() == (1,)
    back = visit(url, "complete")
    assert "You can be paid into your Stripe balance" in consultant.get(back, follow_redirects=True).text


def test_a_country_it_does_not_pay_in(stripe: SimulatorPeer, consultant: Browser, superuser: Any) -> None:
    superuser.execute("UPDATE payees SET country = 'KE'")
    refused = ask(consultant)
    assert refused.status_code == 422 and "Stripe cannot move our money" in refused.text


def test_refused_persons(stripe: SimulatorPeer, client: Browser, sign_in: Callable[[Portal, str], Browser]) -> None:
    assert client.open(HERE, method="POST", json={}).status_code in (400, 401)
    payee_id = payees.vendor(organizations.organization("other"), "Vera", country="US")
    people.payee(payee_id, "vera@vendor.test", Portal.VENDOR)
    assert ask(sign_in(Portal.VENDOR, "vera@vendor.test")).status_code in (401, 404)


def test_without_proof_nothing(stripe: SimulatorPeer, consultant: Browser, superuser: Any) -> None:
    superuser.execute("UPDATE sign_in_sessions SET stepped_up_at = now() - interval '1 day'")
    assert ask(consultant).status_code == 403
    assert superuser.execute("SELECT count(*) FROM connected_accounts").fetchone() == (0,)
