"""Calendar files: what RFC 5545 asks of them, and nothing that tells who a client is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.consultations import calendar_files, letters
from app.consultations.calendar_files import Event
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus as S
from app.db.session import unit_of_work
from jobs import documents
from tests.app.consultations import making
from tests.factories import consultations
from tests.factories.people import PLATFORM

START = datetime(2026, 12, 7, 12, 30, tzinfo=UTC)
EVENT = Event("1@quittance", 2, "Menu; prices, and more", "One\nTwo", START, START + timedelta(minutes=30), START)


def _lines(event: Event) -> list[str]:
    return calendar_files.write(event).decode().split("\r\n")


def test_a_file() -> None:
    lines = _lines(replace(EVENT, url="https://x.test/1", location="https://meet.test/1"))
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-2:] == ["END:VCALENDAR", ""]
    for line in ("METHOD:PUBLISH", "UID:1@quittance", "SEQUENCE:2", "DTSTART:20261207T123000Z",
                 "DTEND:20261207T130000Z",
                 "SUMMARY:Menu\\; prices\\, and more", "DESCRIPTION:One\\nTwo",
                 "URL:https://x.test/1", "STATUS:CONFIRMED"):  # fmt: skip
        assert line in lines


def test_a_cancelled_one_takes_itself_out() -> None:
    lines = _lines(replace(EVENT, cancelled=True))
    assert "METHOD:CANCEL" in lines and "STATUS:CANCELLED" in lines


def test_long_and_strange_text_is_folded_and_harmless() -> None:
    strange = replace(EVENT, summary="ü" * 100 + "\r\nATTENDEE:mailto:x@x.test\x00")
    raw = calendar_files.write(strange)
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    unfolded = raw.decode().replace("\r\n ", "")
    assert f"SUMMARY:{'ü' * 100}\\nATTENDEE:mailto:x@x.test\r\n" in unfolded
    assert "\r\nATTENDEE" not in unfolded


def test_each_side_reads_of_the_other(database_url: str) -> None:
    payee_id = consultations.consultant()
    made: UUID = making.consultation(payee_id, making.client("noor.rahimi@client.test"), S.BOOKED)
    with unit_of_work(PLATFORM) as session:
        found = session.get_one(Consultation, made)
        assert letters.event(session, found, for_client=True).summary == "Review of a menu with Priya Raghavan"
        assert letters.event(session, found, for_client=False).summary.startswith("Review of a menu with Noor")
    file = documents.make({"document": "calendar", "consultation_id": str(made), "side": "consultant"})
    assert file.name == "consultation.ics"
    assert b"client.test" not in file.content
