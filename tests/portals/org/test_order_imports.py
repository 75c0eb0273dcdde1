"""Files of orders in the organization's portal: looked at first, imported once by a job, and who may."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from app.sales import import_service, listing, queries
from jobs import runtime, sales
from tests.app.sales.test_importing import SHOPIFY
from tests.factories import organizations, people
from tests.factories.sales import code, creator, order, recorded
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
HERE = "/org/brand/orders/imports"


@pytest.fixture
def brand(app: Any) -> UUID:
    made = organizations.organization("brand", currency="USD")
    code(made, creator(made).id)
    return made


@pytest.fixture
def mia(brand: UUID, sign_in: SignIn) -> Browser:
    people.member(brand, Role.MANAGER, "mia@brand.test")
    return sign_in(Portal.ORG, "mia@brand.test")


def upload(browser: Browser, text: str, name: str = "orders.csv") -> Any:
    data = {"currency": "USD", "file": (BytesIO(text.encode()), name)}
    return browser.post(f"{HERE}/new", data, content_type="multipart/form-data")


def amounts(brand: UUID) -> dict[str, int]:
    with unit_of_work(Scope.organization(brand)) as session:
        rows = listing.orders(session, brand).items
        return {row.number: amount.minor for row in rows if (amount := queries.commission_of(row))}


def work() -> None:
    while runtime.run_due():
        pass


def test_upload_preview_import(brand: UUID, mia: Browser, superuser: Any) -> None:
    assert "Nothing imported yet" in mia.get(HERE).text
    answer = upload(mia, SHOPIFY)
    assert answer.status_code == 303
    page = mia.get(answer.location).text
    assert "Import 2 orders" in page and "Amara Osei" in page and "All lines are good" in page
    assert amounts(brand) == {}
    assert mia.post(f"{answer.location}/confirmation").status_code == 303
    assert "being imported" in mia.get(answer.location).text
    work()
    assert amounts(brand) == {"#1001": 18_00, "#1002": 9_00}
    page = mia.get(answer.location).text
    assert "Imported" in page and "without a code or not paid" in page
    assert mia.post(f"{answer.location}/confirmation").status_code == 303
    work()
    assert amounts(brand) == {"#1001": 18_00, "#1002": 9_00}
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)
    assert "buyer@example" not in str(superuser.execute("SELECT to_jsonb(o) FROM orders o").fetchall()).lower()


def test_the_same_file_again_adds_nothing(brand: UUID, mia: Browser) -> None:
    for _ in range(2):
        where = upload(mia, SHOPIFY).location
        mia.post(f"{where}/confirmation")
        work()
    assert "Every order of this file is here already" in mia.get(upload(mia, SHOPIFY).location).text
    assert amounts(brand) == {"#1001": 18_00, "#1002": 9_00}


def test_what_a_shop_sent_is_not_credited_again(brand: UUID, mia: Browser) -> None:
    recorded(brand, order("5550001"))
    where = upload(mia, SHOPIFY).location
    page = mia.get(where).text
    assert "Import 1 order<" in page.replace("</span>", "<") and "Came in another way" in page and "Shopify" in page
    mia.post(f"{where}/confirmation")
    work()
    assert amounts(brand) == {"#5550001": 15_00, "#1002": 9_00}


def test_faulty_lines_are_left_out_only_when_that_is_ticked(brand: UUID, mia: Browser) -> None:
    where = upload(mia, "order id,code,subtotal,paid at\n1,AMARA15,ten,2026-11-01\n2,AMARA15,10,2026-11-01\n").location
    page = mia.get(where).text
    assert "is not an amount written like 1234.50" in page
    refused = mia.post(f"{where}/confirmation")
    assert refused.status_code == 422 and "Tick this" in refused.text
    assert mia.post(f"{where}/confirmation", {"skip_faulty": "y"}).status_code == 303
    work()
    assert amounts(brand) == {"2": 1_50}


def test_killed_between_two_chunks_it_goes_on(
    brand: UUID, mia: Browser, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_service, "AT_ONCE", 2)
    lines = "".join(f"{number},AMARA15,10,2026-11-01\n" for number in range(5))
    where = upload(mia, f"order id,code,subtotal,paid at\n{lines}").location
    mia.post(f"{where}/confirmation")
    real, calls = import_service.take, []

    def dies(*args: Any) -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(*args)

    monkeypatch.setattr(import_service, "take", dies)
    import_id = where.rsplit("/", 1)[1]
    with pytest.raises(RuntimeError):
        sales.import_orders(import_id, str(brand))
    assert len(amounts(brand)) == 2
    sales.import_orders(import_id, str(brand))
    sales.import_orders(import_id, str(brand))
    assert len(amounts(brand)) == 5
    found = superuser.execute("SELECT status, summary->>'new', summary->>'known' FROM order_imports").fetchone()
    assert found == ("done", "5", "0")


def test_what_is_no_file_of_orders(brand: UUID, mia: Browser, superuser: Any) -> None:
    for text in ("", "a,b\n1,2\n", "order id,code,subtotal,paid at\n1,,10,2026-11-01\n"):
        assert upload(mia, text).status_code == 422
    assert mia.post(f"{HERE}/new", {"currency": "USD"}).status_code == 422
    assert superuser.execute("SELECT count(*) FROM order_imports").fetchone() == (0,)


def test_an_upload_is_given_up(brand: UUID, mia: Browser, superuser: Any) -> None:
    where = upload(mia, SHOPIFY).location
    assert mia.post(f"{where}/removal").status_code == 303
    assert mia.get(where).status_code == 404
    assert superuser.execute("SELECT count(*) FROM stored_files").fetchone() == (0,)


def test_who_may_not(brand: UUID, mia: Browser, sign_in: SignIn) -> None:
    where = upload(mia, SHOPIFY).location
    people.member(brand, Role.SUPPORT, "sam@brand.test")
    sam = sign_in(Portal.ORG, "sam@brand.test")
    assert sam.get(HERE).status_code == 403 and sam.get(where).status_code == 403
    assert sam.post(f"{where}/confirmation").status_code == 403 and upload(sam, SHOPIFY).status_code == 403
    people.member(organizations.organization("other"), Role.OWNER, "otto@other.test")
    otto = sign_in(Portal.ORG, "otto@other.test")
    there = where.replace("/org/brand/", "/org/other/")
    assert otto.get(there).status_code == 404 and otto.post(f"{there}/confirmation").status_code == 404
    assert otto.post(f"{there}/removal").status_code == 404
