"""A period in the admin portal: seen before, started, followed to its result; and who may not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.core import clock
from app.identity.states import Portal
from app.organizations.states import Role
from jobs import months, runtime
from tests.factories import people
from tests.factories.appointments import clinic, doctor, held, on
from tests.factories.payouts import Shop
from tests.portals.admin.conftest import SignIn
from tests.portals.conftest import Browser

HERE = "/admin/runs"
PERIOD = {"organization": "clinic", "start": "2026-10-01", "end": "2026-10-31"}


@pytest.fixture
def clinics(app: Any) -> Shop:
    place = clinic(2)
    place = Shop(place.organization_id, [*place.payee_ids, doctor(place.organization_id, 2, rail=None)])
    held(place, on(1), on(2))
    held(place, on(2), doctor=2)
    return place


def work() -> None:
    while runtime.run_due():
        pass


def test_look_start_and_see(clinics: Shop, browser: Browser, superuser: Any) -> None:
    assert "No run yet" in browser.get(HERE).text
    seen = browser.get(f"{HERE}/new?organization=clinic&start=2026-10-01&end=2026-10-31").text
    assert "1,000.00" in seen and "Make 1 payout" in seen and "Wanjiru Kamau" in seen
    assert "Amina Hassan" in seen and "Africa/Nairobi" in seen
    assert superuser.execute("SELECT count(*) FROM payout_runs").fetchone() == (0,)
    answer = browser.post(f"{HERE}/new?organization=clinic", {**PERIOD, "idempotency_key": "once"})
    assert answer.status_code == 303
    assert "is being calculated" in browser.get(answer.location).text
    assert browser.htmx("GET", answer.location).status_code == 200
    work()
    page = browser.get(answer.location).text
    assert "1,000" in page and "Amina Hassan" in page and "Calculated" in page and "Payouts to approve" in page
    listed = browser.get(f"{HERE}?organization=clinic").text
    assert "Clinic" in listed and "1,000.00" in listed
    assert superuser.execute("SELECT status, amount_minor FROM payouts").fetchall() == [("pending", 1000_00)]
    assert browser.post(f"{HERE}/new?organization=clinic", {**PERIOD, "idempotency_key": "once"}).status_code == 303
    work()
    assert superuser.execute("SELECT count(*) FROM payout_runs").fetchone() == (1,)


def test_the_previous_month_and_the_calendar(clinics: Shop, browser: Browser) -> None:
    with clock.at(datetime(2026, 11, 3, tzinfo=UTC)):
        assert "Make 1 payout" in browser.get(f"{HERE}/new?organization=clinic").text
        months.start_due()
        work()
        assert "the calendar" in browser.get(HERE).text


def test_wrong_days_stay_and_are_told(clinics: Shop, browser: Browser, superuser: Any) -> None:
    backwards = {**PERIOD, "start": "2026-10-31", "end": "2026-10-01"}
    answer = browser.post(f"{HERE}/new?organization=clinic", {**backwards, "idempotency_key": "k"})
    assert answer.status_code == 422 and "Not before the first day" in answer.text and "2026-10-31" in answer.text
    assert "Not before the first day" in browser.get(f"{HERE}/new", query_string=backwards).text
    assert browser.post(f"{HERE}/new", {"organization": "", "idempotency_key": "l"}).status_code == 422
    assert browser.get(f"{HERE}/new?organization=nobody").status_code == 200
    assert superuser.execute("SELECT count(*) FROM payout_runs").fetchone() == (0,)


def test_another_rate(clinics: Shop, browser: Browser, superuser: Any) -> None:
    days = "organization=clinic&start=2026-10-01&end=2026-10-31"
    assert "1,400.00" in browser.get(f"{HERE}/new?{days}&rate=70000").text
    for wrong in ("0", "-5", "lots"):
        seen = browser.get(f"{HERE}/new?{days}&rate={wrong}")
        assert "A whole number above zero." in seen.text and "Make 1 payout" not in seen.text
        refused = browser.post(f"{HERE}/new?{days}", {**PERIOD, "rate": wrong, "idempotency_key": f"wrong{wrong}"})
        assert refused.status_code == 422 and 'aria-invalid="true"' in refused.text
    assert superuser.execute("SELECT count(*) FROM payout_runs").fetchone() == (0,)
    assert browser.post(f"{HERE}/new?{days}", {**PERIOD, "rate": "70000", "idempotency_key": "r"}).status_code == 303
    work()
    assert superuser.execute("SELECT amount_minor FROM payouts").fetchall() == [(1400_00,)]
    assert "at 70000 minor units" in browser.get(HERE).text


def test_members_find_nothing(clinics: Shop, sign_in: SignIn) -> None:
    people.member(clinics.organization_id, Role.OWNER, "olga@clinic.test")
    olga = sign_in(Portal.ORG, "olga@clinic.test")
    assert olga.get(HERE).status_code == 404 and olga.get(f"{HERE}/new").status_code == 404
    assert olga.post(f"{HERE}/new", PERIOD).status_code == 404
