"""Rates of doctors: agreed, usual or none; changed by who may, and used by the next run."""

from __future__ import annotations

from typing import Any

from app.identity.states import Portal
from app.organizations.states import Role
from tests.factories import people
from tests.factories.appointments import doctor
from tests.factories.payouts import Shop
from tests.portals.conftest import Browser
from tests.portals.org.test_appointments import HERE, SignIn
from tests.portals.org.test_appointments import mia as mia  # fixtures
from tests.portals.org.test_appointments import place as place


def test_read_and_changed(place: Shop, mia: Browser, superuser: Any) -> None:
    doctor(place.organization_id, 2, currency="USD")
    page = mia.get(f"{HERE}/rates").text
    assert "500.00" in page and "None: appointments wait" in page and "Amina Hassan" in page
    where = f"{HERE}/rates/{place.payee_ids[0]}"
    for wrong in ("-5", "0", "much"):
        answer = mia.post(where, {"rate": wrong, "currency": "KES"})
        assert answer.status_code == 422 and wrong in answer.text
    assert mia.post(where, {"rate": "750.00", "currency": "USD"}).status_code == 303
    row = "SELECT flat_rate_minor FROM engagements WHERE payee_id = %s"
    assert superuser.execute(row, [place.payee_ids[0]]).fetchone() == (750_00,)
    assert "750.00" in mia.get(f"{HERE}/rates").text and "750.00" in mia.get(where).text
    assert mia.post(where, {"rate": ""}).status_code == 303
    assert superuser.execute(row, [place.payee_ids[0]]).fetchone() == (None,)


def test_who_may(place: Shop, sign_in: SignIn) -> None:
    people.member(place.organization_id, Role.SUPPORT, "sam@clinic.test")
    sam, where = sign_in(Portal.ORG, "sam@clinic.test"), f"{HERE}/rates/{place.payee_ids[0]}"
    assert "Change" not in sam.get(f"{HERE}/rates").text.split("<table")[-1]
    assert sam.get(where).status_code == 403 and sam.post(where, {"rate": "1"}).status_code == 403
    people.member(place.organization_id, Role.OWNER, "olga@clinic.test")
    assert sign_in(Portal.ORG, "olga@clinic.test").get(f"{HERE}/rates/{place.organization_id}").status_code == 404
