"""Appointments: written down once, only of consultants the organization engages, and taken out before they are paid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.consultations import appointments
from app.consultations.appointments import Held, Recorded
from app.consultations.states import AppointmentSource
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Permission, Scope, operator
from app.db.session import unit_of_work
from tests.factories.appointments import clinic, held, on
from tests.factories.payees import vendor
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


def test_once_by_the_organizations_own_number(superuser: Any) -> None:
    place = clinic(2)
    assert held(place, on(1), on(2), on(1)) == Recorded(2, 1)
    assert held(place, on(1), on(3)) == Recorded(1, 1)
    assert held(clinic(2, slug="other"), on(1)).new == 1
    row = superuser.execute("SELECT currency, source, status, rate_minor FROM appointments LIMIT 1").fetchone()
    assert row == ("KES", "api", "completed", None)


def test_a_program_with_the_scope_alone() -> None:
    place = clinic(1)
    program = Actor("API", "program", organization_id=place.organization_id)
    told = [Held("1", place.payee_ids[0], on(1))]
    scope = Scope.organization(place.organization_id)
    with unit_of_work(scope) as session, pytest.raises(Forbidden):
        appointments.record(session, program, place.organization_id, AppointmentSource.API, told)
    allowed = Actor(
        "API", "program", organization_id=place.organization_id, extra=frozenset({Permission.APPOINTMENT_RECORD})
    )
    with unit_of_work(scope) as session:
        assert appointments.record(session, allowed, place.organization_id, AppointmentSource.API, told).new == 1
    other = clinic(1, slug="other").organization_id
    with unit_of_work(Scope.organization(other)) as session, pytest.raises(Forbidden):
        appointments.record(session, allowed, other, AppointmentSource.API, told)


def test_refusals(superuser: Any) -> None:
    place = clinic(1)
    stranger = clinic(1, slug="other").payee_ids[0]
    supplier = vendor(place.organization_id, currency="KES")
    for payee_id, moment in (
        (stranger, on(1)),
        (supplier, on(1)),
        (place.payee_ids[0], utc_now() + timedelta(hours=1)),
    ):
        told = [Held("good", place.payee_ids[0], on(1)), Held("x", payee_id, moment)]
        with unit_of_work(PLATFORM) as session, pytest.raises(Invalid):
            appointments.record(session, operator(), place.organization_id, AppointmentSource.ADMIN, told)
    assert superuser.execute("SELECT count(*) FROM appointments").fetchone() == (0,)


def test_taken_out(superuser: Any) -> None:
    place = clinic(1)
    held(place, on(1))
    appointment_id = superuser.execute("SELECT id FROM appointments").fetchone()[0]
    with unit_of_work(PLATFORM) as session:
        with pytest.raises(Invalid):
            appointments.dismiss(session, operator(), place.organization_id, appointment_id, " ")
        with pytest.raises(NotFound):
            appointments.dismiss(session, operator(), place.organization_id, place.organization_id, "x")
        appointments.dismiss(session, operator(), place.organization_id, appointment_id, "Written down twice")
        with pytest.raises(Conflict):
            appointments.dismiss(session, operator(), place.organization_id, appointment_id, "Again")
    assert superuser.execute("SELECT status FROM appointments").fetchone() == ("dismissed",)


def test_who_is_meant() -> None:
    place = clinic(2)
    with unit_of_work(PLATFORM) as session:
        found = appointments.by_reference(
            session, place.organization_id, {"D0", "DOCTOR1@clinic.test", "wanjiru kamau", "nobody", ""}
        )
    first, second = place.payee_ids
    assert found == {"d0": first, "doctor1@clinic.test": second, "wanjiru kamau": first}
