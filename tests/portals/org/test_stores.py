"""Stores in the organization's portal: the secret once, its calls taken with it, and who may not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import utc_now
from app.db.session import unit_of_work
from app.gateways.shops import sign_generic
from app.identity.states import Portal
from app.organizations.states import Role
from jobs import sales
from tests.factories import organizations, people
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
HERE = "/org/brand/stores"


@pytest.fixture
def brand(app: Any) -> UUID:
    return organizations.organization("brand", currency="USD")


@pytest.fixture
def olga(brand: UUID, sign_in: SignIn) -> Browser:
    people.member(brand, Role.OWNER, "olga@brand.test")
    return sign_in(Portal.ORG, "olga@brand.test")


def secret_in(text: str) -> str:
    found = re.search(r'data-copy="([\w-]{40,})"', text)
    assert found
    return found[1]


def call(client: Browser, secret: str, **event: Any) -> int:
    """An event of another program, signed with `secret`."""
    body = json.dumps({"event_id": secret[:9], "type": "something.else", **event}).encode()
    stamp = str(int(utc_now().timestamp()))
    headers = {"X-Quittance-Timestamp": stamp, "X-Quittance-Signature": sign_generic(secret, stamp, body)}
    return client.open("/api/webhooks/orders/generic/brand", method="POST", data=body, headers=headers).status_code


def add(browser: Browser, shop: str = "generic", name: str = "Main shop", secret: str = "") -> Any:
    return browser.post(f"{HERE}/new", {"shop": shop, "name": name, "secret": secret})


def test_the_secret_is_shown_once_and_signs_calls(olga: Browser, client: Browser) -> None:
    assert "No store yet" in olga.get(HERE).text
    answer = add(olga)
    secret = secret_in(answer.text)
    assert answer.status_code == 200 and answer.headers["Cache-Control"].startswith("no-store")
    page = olga.get(HERE).text
    assert secret not in page and secret[-4:] in page and "/api/webhooks/orders/generic/brand" in page
    assert call(client, secret) == 200 and call(client, "another secret") == 401


def test_a_new_secret_replaces_the_former(olga: Browser, client: Browser) -> None:
    old = secret_in(add(olga).text)
    store = re.search(r"stores/([0-9a-f-]{36})/secret", olga.get(HERE).text)
    assert store
    new = secret_in(olga.post(f"{HERE}/{store[1]}/secret", {"secret": ""}).text)
    assert call(client, old) == 401 and call(client, new) == 200
    assert olga.post(f"{HERE}/{store[1]}/switch", {"to": "off"}).status_code == 303
    assert call(client, new) == 401
    olga.post(f"{HERE}/{store[1]}/switch", {"to": "on"})
    assert call(client, new) == 200
    assert olga.post(f"{HERE}/{store[1]}/secret", {"secret": "short"}).status_code == 422


def test_calls_that_came_to_nothing_are_told(brand: UUID, olga: Browser, client: Browser, sign_in: SignIn) -> None:
    secret = secret_in(add(olga).text)
    people.member(organizations.organization("other", currency="USD"), Role.OWNER, "otto@other.test")
    otto = sign_in(Portal.ORG, "otto@other.test")
    otto.post("/org/other/stores/new", {"shop": "generic", "name": "Theirs", "secret": ""})
    assert call(client, secret) == 200  # nothing follows from it, and nothing should
    applied()
    assert "came to nothing" not in olga.get(HERE).text
    wrong = {"type": "order.paid", "order_id": "1", "currency": "USD", "codes": ["A"], "ordered_at": "yesterday"}
    for number in ("1", "2"):
        assert call(client, secret, event_id=number, amount_minor="jane@buyer.test", **wrong) == 200
    applied()
    page = olga.get(HERE).text
    assert "2 calls of the last seven days came to nothing" in page
    assert "could not be read: not an order as we know them." in page and "buyer.test" not in page
    assert "came to nothing" not in otto.get("/org/other/stores").text
    with unit_of_work(people.PLATFORM) as session:
        session.execute(text("UPDATE webhook_events SET status = 'failed', result = 'jane@buyer.test' WHERE id = "
                             "(SELECT max(id::text)::uuid FROM webhook_events)"))  # fmt: skip
    page = olga.get(HERE).text
    assert "The last one could not be applied" in page and "buyer.test" not in page
    with unit_of_work(people.PLATFORM) as session:
        session.execute(text("UPDATE webhook_events SET created_at = now() - interval '8 days'"))
    assert "came to nothing" not in olga.get(HERE).text


def applied() -> None:
    """What the job does with the calls that wait."""
    with unit_of_work(people.PLATFORM) as session:
        waiting = session.scalars(text("SELECT id::text FROM webhook_events WHERE status = 'received'")).all()
    sales.apply_calls(waiting)


def test_wrong_input_keeps_what_was_written(olga: Browser) -> None:
    nothing = olga.post(f"{HERE}/new", {"name": "Main shop"})
    assert nothing.status_code == 422 and "Choose one." in nothing.text and 'value="Main shop"' in nothing.text
    shopify = add(olga, "shopify")
    assert shopify.status_code == 422 and "Copy the secret that Shopify shows" in shopify.text
    assert add(olga, "generic", " ").status_code == 422
    assert add(olga, "shopify", secret="0123456789abcdef").status_code == 200
    assert 'value="shopify"' not in olga.get(f"{HERE}/new").text
    assert add(olga, "shopify", secret="0123456789abcdef").status_code == 422


def test_script_gets_the_secret_in_place_of_the_form(olga: Browser) -> None:
    answer = olga.htmx("POST", f"{HERE}/new", data={"shop": "generic", "name": "Shop", "secret": ""})
    assert answer.status_code == 200 and "<html" not in answer.text and secret_in(answer.text)


def test_who_may_not(brand: UUID, olga: Browser, sign_in: SignIn) -> None:
    add(olga)
    store = re.search(r"stores/([0-9a-f-]{36})/secret", olga.get(HERE).text)
    assert store
    people.member(brand, Role.MANAGER, "mia@brand.test")
    mia = sign_in(Portal.ORG, "mia@brand.test")
    assert mia.get(HERE).status_code == 200 and "New secret" not in mia.get(HERE).text
    assert add(mia, "woocommerce").status_code == 403
    assert mia.post(f"{HERE}/{store[1]}/switch", {"to": "off"}).status_code == 403
    assert mia.post(f"{HERE}/{store[1]}/secret", {"secret": ""}).status_code == 403
    people.member(organizations.organization("other"), Role.OWNER, "otto@other.test")
    otto = sign_in(Portal.ORG, "otto@other.test")
    assert otto.post(f"/org/other/stores/{store[1]}/switch", {"to": "off"}).status_code == 404
    assert otto.post(f"/org/other/stores/{store[1]}/secret", {"secret": ""}).status_code == 404
