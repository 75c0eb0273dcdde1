"""`flask payouts calculate`: the previous month, a dry run before it, and nothing new the second time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from app.core import clock
from tests.factories.appointments import clinic, doctor, held, on
from tests.factories.payouts import Shop


@pytest.fixture
def run(app: Flask) -> Any:
    def invoke(*args: str) -> Any:
        with clock.at(datetime(2026, 11, 2, tzinfo=UTC)):
            return app.test_cli_runner().invoke(args=["payouts", "calculate", *args])

    return invoke


def count(superuser: Any) -> tuple[int, int, int]:
    found: tuple[int, int, int] = superuser.execute(
        "SELECT (SELECT count(*) FROM payouts), (SELECT count(*) FROM payout_items), (SELECT count(*) FROM payout_runs)"
    ).fetchone()
    return found


def test_dry_then_twice(run: Any, superuser: Any) -> None:
    place = clinic(2)
    held(place, on(1), on(2))
    held(place, on(3), doctor=1)
    dry = run("--dry-run", "--json")
    assert dry.exit_code == 0 and count(superuser) == (0, 0, 0)
    expected = {
        "organization": "clinic", "periodStart": "2026-10-01", "periodEnd": "2026-10-31", "appointments": 3,
        "payouts": 2, "totals": [{"currency": "KES", "payouts": 2, "amountMinor": 1500_00}], "leftOut": [],
        "failed": None,
    }  # fmt: skip
    assert json.loads(dry.stdout) == {"dryRun": True, "runs": [expected]}
    done = run("--json")
    assert json.loads(done.stdout) == {"dryRun": False, "runs": [expected]} and count(superuser) == (2, 3, 1)
    again = run("--organization", "clinic")
    assert "0 appointments rated, 0 payouts made." in again.stdout and count(superuser) == (2, 3, 2)
    assert "Nothing is to be calculated." in run().stdout


def test_choices(run: Any, superuser: Any) -> None:
    place = clinic(1)
    place = Shop(place.organization_id, [*place.payee_ids, doctor(place.organization_id, 1, rail=None)])
    held(place, on(1), on(9))
    held(place, on(2), doctor=1)
    done = run("--start", "2026-10-01", "--end", "2026-10-05", "--rate", "12345", "--organization", "clinic")
    assert "2 appointments rated, 1 payouts made." in done.stdout and "123.45 KES for 1 consultants" in done.stdout
    assert "left out: Otieno Odhiambo, 123.45 KES." in done.stdout
    assert superuser.execute("SELECT amount_minor FROM payouts").fetchall() == [(12345,)]


def test_refusals(run: Any) -> None:
    clinic(1)
    assert run("--organization", "nobody").exit_code == 2
    assert run("--rate", "0").exit_code == 2
    backwards = run("--organization", "clinic", "--start", "2026-10-05", "--end", "2026-10-01", "--json")
    assert backwards.exit_code == 2 and json.loads(backwards.stdout)["errors"][0]["column"] == "end"
