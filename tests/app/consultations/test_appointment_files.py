"""Files of appointments read into values: everything wrong with a line is said, moments are the organization's."""

from __future__ import annotations

import pytest

from app.consultations.appointment_files import AppointmentFile, read_appointments, unpacked
from app.core.errors import Invalid

GOOD = """Appointment ID,Doctor,Completed at,Service,Status
A-1,D0,2026-10-05 09:30,Check-up,completed
A-2,doctor1@clinic.test,2026-10-31T23:30:00+03:00,,Completed
A-3,D0,2026-10-06,,cancelled
"""


def read(text: str) -> AppointmentFile:
    return read_appointments(text.encode(), time_zone="Africa/Nairobi")


def test_a_file() -> None:
    found = read(GOOD)
    assert (found.read, found.not_held, found.faults) == (3, 1, [])
    first, second = found.rows
    assert (first.external_id, first.doctor, first.description) == ("A-1", "D0", "Check-up")
    assert (first.held_at, second.held_at) == ("2026-10-05T06:30:00+00:00", "2026-10-31T20:30:00+00:00")
    assert unpacked(found.packed()) == found


def test_other_headings() -> None:
    found = read("number;name;date\n7;Wanjiru Kamau;2026-10-05\n")
    assert [(row.external_id, row.doctor, row.held_at) for row in found.rows] == [
        ("7", "Wanjiru Kamau", "2026-10-04T21:00:00+00:00")
    ]


def test_what_is_wrong_is_said_by_line() -> None:
    found = read(
        "appointment,doctor,completed at\n"
        ",D0,2026-10-05\n"
        "A-1,,05/10/2026\n"
        "A-2,D0,2999-01-01\n"
        "A-3,D0,2026-02-30\n"
        "A-4,D0,2026-10-05\n"
        "A-4,D0,2026-10-06\n"
        "A-5,D0,0001-01-01 00:00\n"
    )
    assert [(fault.line, fault.column) for fault in found.faults] == [
        (2, "Appointment"), (3, "Doctor"), (3, "Completed at"), (4, "Completed at"), (5, "Completed at"),
        (7, "Appointment"), (8, "Completed at"),
    ]  # fmt: skip
    assert {found.faults[at].reason for at in (4, 6)} == {
        "“2026-02-30” is no day and time there is.", "“0001-01-01 00:00” is no day and time there is.",
    }  # fmt: skip
    assert "in the future" in found.faults[3].reason and "line 6 already" in found.faults[5].reason
    assert [row.external_id for row in found.rows] == ["A-4"]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "appointment,doctor\nA-1,D0\n"])
def test_no_file_of_appointments(text: str) -> None:
    with pytest.raises(Invalid):
        read(text)
