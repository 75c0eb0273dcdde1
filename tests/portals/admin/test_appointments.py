"""Appointments of every organization in the admin portal."""

from __future__ import annotations

from typing import Any

from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import people
from tests.factories.appointments import clinic, held, on
from tests.portals.admin.conftest import SignIn
from tests.portals.conftest import Browser


def test_of_everybody_and_written_down(browser: Browser, superuser: Any) -> None:
    assert "No appointments yet" in browser.get("/admin/appointments").text
    place = clinic(1)
    held(place, on(1))
    held(clinic(1, slug="other"), on(2))
    page = browser.get("/admin/appointments").text
    assert "A0-10010900" in page and "A0-10020900" in page and "Take out" not in page
    narrowed = browser.htmx("GET", "/admin/appointments?organization=clinic").text
    assert "A0-10010900" in narrowed and "A0-10020900" not in narrowed
    file = browser.get("/admin/appointments.csv?organization=clinic")
    assert "A0-10010900" in file.text and "A0-10020900" not in file.text
    where = "/admin/organizations/clinic/appointments/new"
    form = {"doctor": str(place.payee_ids[0]), "number": "H-1", "held_at": "2026-10-07T10:00"}
    assert browser.post(where, {**form, "number": "", "idempotency_key": "a"}).status_code == 422
    assert browser.post(where, {**form, "idempotency_key": "b"}).status_code == 303
    assert superuser.execute("SELECT source FROM appointments WHERE external_id = 'H-1'").fetchone() == ("admin",)
    assert browser.get("/admin/organizations/nobody/appointments/new").status_code == 404


def test_members_find_nothing(sign_in: SignIn) -> None:
    people.member(clinic(0).organization_id, Role.OWNER, "olga@clinic.test")
    olga = sign_in(Portal.ORG, "olga@clinic.test")
    assert olga.get("/admin/appointments").status_code == 404 and olga.get("/admin/appointments.csv").status_code == 404
