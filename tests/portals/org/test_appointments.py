"""Appointments in the organization's portal: by hand and from a file, found again, taken out; and who may."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from app.consultations import appointment_imports
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.organizations.states import Role
from jobs import appointments, runtime
from tests.app.consultations.test_appointment_files import GOOD
from tests.factories import people
from tests.factories.appointments import clinic, held, on
from tests.factories.payouts import Shop
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
HERE = "/org/clinic/appointments"


@pytest.fixture
def place(app: Any) -> Shop:
    return clinic(2)


@pytest.fixture
def mia(place: Shop, sign_in: SignIn) -> Browser:
    people.member(place.organization_id, Role.MANAGER, "mia@clinic.test")
    return sign_in(Portal.ORG, "mia@clinic.test")


def upload(browser: Browser, text: str) -> Any:
    data = {"file": (BytesIO(text.encode()), "october.csv")}
    return browser.post(f"{HERE}/imports/new", data, content_type="multipart/form-data")


def count(superuser: Any) -> int:
    return int(superuser.execute("SELECT count(*) FROM appointments").fetchone()[0])


def work() -> None:
    while runtime.run_due():
        pass


def test_by_hand(place: Shop, mia: Browser, superuser: Any) -> None:
    assert "No appointments yet" in mia.get(HERE).text
    form = {"doctor": str(place.payee_ids[0]), "number": "A-1", "held_at": "2026-10-05T09:30", "idempotency_key": "1"}
    wrong = mia.post(f"{HERE}/new", {**form, "held_at": "2999-01-01T09:30", "description": "Kept"})
    assert wrong.status_code == 422 and "after it was held" in wrong.text and "Kept" in wrong.text
    assert mia.post(f"{HERE}/new", {"idempotency_key": "2"}).status_code == 422
    assert mia.post(f"{HERE}/new", {**form, "idempotency_key": "3"}).status_code == 303
    row = superuser.execute("SELECT external_id, source, completed_at::text FROM appointments").fetchone()
    assert row[:2] == ("A-1", "admin") and row[2].startswith("2026-10-05 06:30")
    page = mia.get(HERE).text
    assert "A-1" in page and "Wanjiru Kamau" in page and "Take out" in page


def test_found_again_and_as_a_file(place: Shop, mia: Browser) -> None:
    held(place, on(1))
    held(place, on(20), doctor=1)
    for query, there in (
        ("", {"A0", "A1"}), ("q=A0-10010900", {"A0"}), (f"payee={place.payee_ids[1]}", {"A1"}), ("status=rated", set()),
        ("source=api&from=2026-10-10", {"A1"}), ("to=2026-10-10", {"A0"}), ("status=x&from=y&payee=z", {"A0", "A1"}),
    ):  # fmt: skip
        text = mia.htmx("GET", f"{HERE}?{query}").text
        assert {name for name in ("A0", "A1") if f"{name}-10" in text.split("<table")[-1]} == there, query
    file = mia.get(f"{HERE}.csv?to=2026-10-10")
    assert file.content_type.startswith("text/csv") and file.text.count("\n") == 2 and "A0-10010900" in file.text


def test_taken_out(place: Shop, mia: Browser, superuser: Any) -> None:
    held(place, on(1))
    where = f"{HERE}/{superuser.execute('SELECT id FROM appointments').fetchone()[0]}/dismissal"
    assert "A0-10010900" in mia.get(where).text
    assert mia.post(where, {"reason": ""}).status_code == 422
    assert mia.post(where, {"reason": "Twice"}).status_code == 303
    assert superuser.execute("SELECT status FROM appointments").fetchone() == ("dismissed",)
    assert mia.post(where, {"reason": "Twice"}).status_code == 409


def test_upload_preview_import_twice(mia: Browser, superuser: Any) -> None:
    assert "Nothing imported yet" in mia.get(f"{HERE}/imports").text
    where = upload(mia, GOOD).location
    page = mia.get(where).text
    assert "Import 2 appointments" in page and "Otieno Odhiambo" in page and count(superuser) == 0
    assert mia.post(f"{where}/confirmation").status_code == 303
    assert "are being imported" in mia.get(where).text
    work()
    assert count(superuser) == 2 and "New appointments" in mia.get(where).text
    assert superuser.execute("SELECT content FROM appointment_imports").fetchone() == (None,)
    again = upload(mia, GOOD).location
    assert "is here already" in mia.get(again).text
    assert mia.post(f"{again}/removal").status_code == 303 and mia.get(again).status_code == 404
    assert "october.csv" in mia.get(f"{HERE}/imports").text


def test_faulty_lines_are_left_out_when_agreed(mia: Browser, superuser: Any) -> None:
    bad = GOOD + "A-4,Nobody,2026-10-05,,\nA-5,D1,soon,,\n"
    where = upload(mia, bad).location
    page = mia.get(where).text
    assert "No consultant of the organization has this" in page and "is not a time" in page
    refused = mia.post(f"{where}/confirmation")
    assert refused.status_code == 422 and "Tick this" in refused.text
    assert mia.post(f"{where}/confirmation", {"skip_faulty": "y"}).status_code == 303
    work()
    assert count(superuser) == 2
    for text in ("", "a,b\n1,2\n", "appointment,doctor,completed at,status\nA,D0,2026-10-05,cancelled\n"):
        assert upload(mia, text).status_code == 422


def test_a_job_that_was_killed_goes_on(
    place: Shop, mia: Browser, superuser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appointment_imports, "AT_ONCE", 2)
    lines = "".join(f"B-{number},D{number % 2},2026-10-05\n" for number in range(5))
    where = upload(mia, f"appointment,doctor,completed at\n{lines}").location
    mia.post(f"{where}/confirmation")
    import_id = where.rsplit("/", 1)[-1]
    with unit_of_work(Scope.organization(place.organization_id)) as session:
        assert appointment_imports.take(session, place.organization_id, import_id)
    assert count(superuser) == 2
    for _again in range(2):
        appointments.import_appointments(import_id, str(place.organization_id))
    assert count(superuser) == 5
    assert superuser.execute("SELECT status, summary ->> 'new' FROM appointment_imports").fetchone() == ("done", "5")


def test_who_may(place: Shop, sign_in: SignIn, superuser: Any) -> None:
    held(place, on(1))
    people.member(place.organization_id, Role.SUPPORT, "sam@clinic.test")
    sam = sign_in(Portal.ORG, "sam@clinic.test")
    page = sam.get(HERE).text
    assert "A0-10010900" in page and "Take out" not in page and "Write one down" not in page
    appointment_id = superuser.execute("SELECT id FROM appointments").fetchone()[0]
    for path in ("new", "imports", "imports/new", f"{appointment_id}/dismissal"):
        assert sam.get(f"{HERE}/{path}").status_code == 403
    assert sam.post(f"{HERE}/{appointment_id}/dismissal", {"reason": "x"}).status_code == 403
    other = clinic(0, slug="other")
    people.member(other.organization_id, Role.OWNER, "olga@other.test")
    assert (
        sign_in(Portal.ORG, "olga@other.test").get(f"/org/other/appointments/{appointment_id}/dismissal").status_code
        == 404
    )
