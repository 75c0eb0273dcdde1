"""`flask house` sets up what everything else stands on, once; reading the price list writes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from app.consultations import offerings
from app.core.scope import Scope
from app.db.session import unit_of_work

pytestmark = pytest.mark.usefixtures("database_url")


def test_made_once_and_completed(app: Any, superuser: Any) -> None:
    run = app.test_cli_runner().invoke
    told = run(args=["house", "--currency", "EUR", "--time-zone", "Europe/Lisbon"])
    assert told.exit_code == 0 and "The house is made; 3 of its prices were missing." in told.output
    superuser.execute("DELETE FROM offerings WHERE duration_minutes = 30")
    again = run(args=["house", "--name", "Other"])
    assert "The house is there; 1 of its prices were missing." in again.output
    rows = superuser.execute("SELECT name, currency, time_zone, is_house FROM organizations").fetchall()
    assert rows == [("Quittance", "EUR", "Europe/Lisbon", True)]
    with unit_of_work(Scope.public()) as session:
        assert [one.price_minor for one in offerings.sessions(session)] == [900, 1900, 3500]


def test_a_wrong_currency_makes_nothing(app: Any, superuser: Any) -> None:
    told = app.test_cli_runner().invoke(args=["house", "--currency", "XXQ"])
    assert told.exit_code == 1 and "Error" in told.output
    assert superuser.execute("SELECT count(*) FROM organizations").fetchone() == (0,)


def test_reading_the_price_list_writes_nothing(app: Any, superuser: Any) -> None:
    app.test_cli_runner().invoke(args=["house"])
    superuser.execute("DELETE FROM offerings")
    answer = app.test_client().get("/api/v1/consultations/pricing")
    assert answer.status_code == 200 and answer.get_json() == {"data": [], "next_cursor": None}
    with unit_of_work(Scope.public()) as session:
        assert offerings.sessions(session) == []
    assert superuser.execute("SELECT count(*) FROM offerings").fetchone() == (0,)
