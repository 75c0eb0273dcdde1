"""A money form sent twice counts once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import psycopg

from app.core import clock
from app.identity.states import Portal
from jobs import housekeeping
from tests.factories import people
from tests.portals.conftest import Browser

Superuser = psycopg.Connection[tuple[Any, ...]]
PAY = "/vendor/toy/pay"


def paid(superuser: Superuser) -> list[str]:
    rows = superuser.execute(
        "SELECT action FROM audit_records WHERE action LIKE 'toy.%%' ORDER BY created_at, id", []
    ).fetchall()
    return [row[0].removeprefix("toy.") for row in rows]


def test_a_repeat_gets_the_first_answer(maya: Browser, superuser: Superuser) -> None:
    form = {"amount": "12.50", "idempotency_key": "k1"}
    answers = [maya.post(PAY, form) for _n in range(3)]
    assert {(a.status_code, a.location) for a in answers} == {(303, "/vendor/toy/write")}
    assert paid(superuser) == ["paid 12.50"]
    again = maya.htmx("POST", PAY, form)
    assert (again.status_code, again.headers["HX-Redirect"]) == (200, "/vendor/toy/write")
    assert "Paid" in maya.get("/vendor/settings/security").text  # the toast comes with the next page


def test_the_same_key_for_something_else_is_refused(maya: Browser, superuser: Superuser) -> None:
    maya.post(PAY, {"amount": "12.50", "idempotency_key": "k1"})
    other = maya.post(PAY, {"amount": "99.00", "idempotency_key": "k1"})
    assert other.status_code == 422
    assert "sent before with other contents" in other.text
    elsewhere = maya.post("/vendor/toy/write", {"amount": "12.50", "idempotency_key": "k1"})
    assert elsewhere.status_code == 422
    assert paid(superuser) == ["paid 12.50"]


def test_a_refusal_gives_the_key_back(maya: Browser, superuser: Superuser) -> None:
    assert maya.post(PAY, {"amount": "0", "idempotency_key": "k1"}).status_code == 409
    assert maya.post(PAY, {"amount": "7", "idempotency_key": "k1"}).status_code == 303
    kept = maya.post("/vendor/toy/write", {"status": "400", "keep": "1", "idempotency_key": "k2"})
    assert kept.status_code == 400
    assert paid(superuser) == ["paid 7"]
    assert superuser.execute("SELECT key FROM idempotency_keys").fetchall() == [("k1",)]


def test_without_a_key_and_with_another_each_counts(maya: Browser, superuser: Superuser) -> None:
    for key in ("", "", "a", "b"):
        maya.post(PAY, {"amount": "1", "idempotency_key": key})
    assert paid(superuser) == ["paid 1"] * 4


def test_keys_belong_to_their_account(maya: Browser, superuser: Superuser) -> None:
    (payee_id,) = superuser.execute("SELECT payee_id FROM accounts").fetchone() or (None,)
    people.account(Portal.VENDOR, "noah@example.test", payee_id)
    noah = maya.application.test_client()
    assert isinstance(noah, Browser)
    noah.sign_in(Portal.VENDOR, "noah@example.test")
    for browser in (maya, noah):
        assert browser.post(PAY, {"amount": "1", "idempotency_key": "k1"}).status_code == 303
    assert paid(superuser) == ["paid 1"] * 2


def test_a_double_click_counts_once(maya: Browser, superuser: Superuser) -> None:
    """Eight at the same moment: they come one after the other, and seven find the first one's answer."""
    cookie = maya.get_cookie("quittance")
    assert cookie
    token, codes, start = maya.csrf_token(), [], threading.Barrier(8)
    cookie = maya.get_cookie("quittance")
    assert cookie

    def click() -> None:
        browser = maya.application.test_client()
        browser.set_cookie("quittance", cookie.value)
        start.wait(10)
        answer = browser.open(PAY, method="POST", data={"amount": "5", "idempotency_key": "k1", "csrf_token": token})
        codes.append(answer.status_code)

    threads = [threading.Thread(target=click) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert codes == [303] * 8
    assert paid(superuser) == ["paid 5"]


def test_a_step_up_in_between_does_not_use_the_key_up(maya: Browser, superuser: Superuser) -> None:
    form = {"amount": "5", "idempotency_key": "k1"}
    referrer = {"Referer": "http://localhost/vendor/toy/write"}
    with clock.at(clock.utc_now() + timedelta(minutes=31)):
        answer = maya.post("/vendor/toy/careful", form, headers=referrer)
        assert answer.location == "/vendor/step-up?next=/vendor/toy/write"
    assert paid(superuser) == []
    assert maya.post("/vendor/toy/careful", form).location == "/vendor/toy/write"
    assert paid(superuser) == ["careful"]


def test_old_keys_are_forgotten(maya: Browser, superuser: Superuser) -> None:
    maya.post(PAY, {"amount": "1", "idempotency_key": "k1"})
    with clock.at(clock.utc_now() + timedelta(days=6)):
        housekeeping.tidy()
        assert superuser.execute("SELECT count(*) FROM idempotency_keys").fetchone() == (1,)
    with clock.at(clock.utc_now() + timedelta(days=8)):
        housekeeping.tidy()
    assert superuser.execute("SELECT count(*) FROM idempotency_keys").fetchone() == (0,)
