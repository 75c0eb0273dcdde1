"""Appointments written by a program, and a month calculated by an admin's call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from app.core import clock
from app.identity.states import Portal
from tests.factories import people
from tests.factories.appointments import clinic, held, on
from tests.factories.payouts import Shop
from tests.portals.api.test_orders import post
from tests.portals.api.test_signed_calls import Caller, key
from tests.portals.conftest import Browser

HERE = "/api/appointments"
ONE = {"appointmentId": "A-1", "consultant": "d0", "completedAt": "2026-10-05T09:00"}


@pytest.fixture
def place(app: Flask) -> Shop:
    return clinic(2)


@pytest.fixture
def caller(place: Shop, client: Browser) -> Caller:
    return Caller(client, key(place.organization_id, "appointments.write"))


def test_one_and_many_once(place: Shop, caller: Caller, superuser: Any) -> None:
    made = post(caller, HERE, ONE)
    assert (made.status_code, made.get_json()) == (201, {"recorded": 1, "known": 0})
    assert post(caller, HERE, ONE).status_code == 200
    many = [ONE, {**ONE, "appointmentId": "A-2", "consultant": str(place.payee_ids[1]), "description": "Check-up"}]
    assert post(caller, HERE, {"appointments": many}).get_json() == {"recorded": 1, "known": 1}
    rows = superuser.execute(
        "SELECT external_id, completed_at, source FROM appointments ORDER BY external_id"
    ).fetchall()
    nine_in_nairobi = datetime(2026, 10, 5, 6, tzinfo=UTC)
    assert rows == [("A-1", nine_in_nairobi, "api"), ("A-2", nine_in_nairobi, "api")]


def test_what_is_wrong_is_named_and_nothing_written(caller: Caller, superuser: Any) -> None:
    wrong = [ONE, {"appointmentId": 7, "completedAt": "soon"}, {**ONE, "completedAt": "2999-01-01T00:00Z"}, 5,
             {**ONE, "completedAt": "0001-01-01T00:00"}]  # fmt: skip
    answer = post(caller, HERE, {"appointments": wrong})
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) >= {
        "appointments[1].appointmentId", "appointments[1].consultant", "appointments[1].completedAt",
        "appointments[2].completedAt", "appointments[3].consultant", "appointments[4].completedAt",
    }  # fmt: skip
    nobody = post(caller, HERE, {**ONE, "consultant": "Nobody"})
    assert nobody.status_code == 422 and "consultant" in nobody.get_json()["errors"]
    for body in ([], {"appointments": []}, {"appointments": [ONE] * 501}):
        assert post(caller, HERE, body).status_code == 422
    assert superuser.execute("SELECT count(*) FROM appointments").fetchone() == (0,)


def test_who_may(place: Shop, client: Browser, sign_in: Callable[[Portal, str], Browser], superuser: Any) -> None:
    reader = Caller(client, key(place.organization_id, "orders.read"))
    assert post(reader, HERE, ONE).status_code == 403
    platform = Caller(client, key(None, "appointments.write"))
    assert post(platform, HERE, ONE).status_code == 422
    assert post(platform, HERE, {**ONE, "organization": "clinic"}).status_code == 201
    superuser.execute("DELETE FROM appointments")
    other = Caller(client, key(clinic(0, slug="other").organization_id, "appointments.write"))
    assert post(other, HERE, {**ONE, "consultant": str(place.payee_ids[0])}).status_code == 422
    assert client.open(HERE, method="POST", json=ONE).status_code == 401
    assert superuser.execute("SELECT count(*) FROM appointments").fetchone() == (0,)


def test_a_month_by_an_admins_call(place: Shop, sign_in: Callable[[Portal, str], Browser], superuser: Any) -> None:
    held(place, on(4))
    people.account(Portal.ADMIN, "chief@quittance.test")
    admin, target = sign_in(Portal.ADMIN, "chief@quittance.test"), "/api/v1/admin/payouts/generate"

    def call(body: Any) -> Any:
        return admin.open(target, method="POST", json=body, headers={"X-CSRFToken": admin.csrf_token()})

    assert admin.open(target, method="POST", json={}).status_code == 400  # without its token
    for month in ("2026-13", "October", "2999-01"):
        assert call({"month": month, "organization": "clinic"}).status_code == 422
    made = call({"month": "2026-10"})
    assert made.status_code == 202, made.text
    (run,) = made.get_json()["runs"]
    assert (run["organization"], run["period_start"], run["period_end"]) == ("clinic", "2026-10-01", "2026-10-31")
    assert call({"month": "2026-10"}).get_json()["runs"][0]["id"] == run["id"]  # still under way
    with clock.at(datetime(2026, 11, 5, tzinfo=UTC)):
        assert call({}).status_code == 202
    member = Caller(admin, key(place.organization_id, "appointments.write"))
    assert post(member, target, {"month": "2026-10"}).status_code == 404
    platform = Caller(admin, key(None, "appointments.write"))
    assert post(platform, target, {"month": "2026-10"}).status_code == 403
