"""What staff writes for a consultant to read names no client; a note beside it stays with the platform."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.audit import queries as audit
from app.audit.models import Audience
from app.charges import client_service
from app.charges.states import ReturnKind
from app.consultations import booking, by_hand, money
from app.consultations.cancellation import Why
from app.consultations.privacy import LONGEST_REASON, payee_facing, without_identity
from app.consultations.states import CancelledBy, ConsultationStatus
from app.core.errors import Invalid
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from tests.app.consultations.test_money import clinic_session, paid
from tests.factories import people
from tests.factories.people import PLATFORM

EMAIL = "noor.q@client.test"


@pytest.mark.parametrize(
    "told",
    [
        "Ms Quíllfeather called",
        "ms QUILLFEATHER called",
        "Quíllfeather's wish",
        "Write to noor.q@client.test",
        "Ask noor.q about it",
        "Ask her at other@mail.test",
        "The van den side",
        "Call +44 20 7946 0958",
        "Her number is (020) 7946-0958",
        "",
        "   ",
        "x" * (LONGEST_REASON + 1),
    ],
)
def test_a_reason_that_tells_who_the_client_is_is_refused(told: str) -> None:
    with pytest.raises(Invalid) as refused:
        payee_facing(told, "Noor van Quíllfeather", EMAIL, field="why")
    assert refused.value.fields["why"]


@pytest.mark.parametrize(
    "told",
    [
        "Noor was promised half of it.",
        "Agreed on 2026-10-05, 1 900.00 went back.",
        "Moved from 01.12.2026 10:00 to 02/12/2026 11:30; 0.05 of it stays.",
    ],
)
def test_a_reason_with_a_first_name_a_day_and_an_amount_is_not(told: str) -> None:
    assert payee_facing(f" {told} ", "Noor van Quíllfeather", EMAIL) == told


def test_words_of_a_shared_address_tell_nobody() -> None:
    assert payee_facing("The client was ill.", "Noor Rahimi", "client@studio.test") == "The client was ill."
    with pytest.raises(Invalid):
        payee_facing("Write to client@studio.test", "Noor Rahimi", "client@studio.test")


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ("Nunez was there", "… was there"),
        ("Nu\u0301n\u0303ez", "…"),
        ("Mrs NÚÑEZ-STONE, or Stone", "Mrs …, or …"),
        ("Noor met a stoner", "Noor met a stoner"),
    ],
)
def test_what_clients_write_loses_their_name_however_it_is_spelled(told: str, left: str) -> None:
    assert without_identity(told, "Noor Núñez-Stone", "n@client.test") == left


@pytest.mark.usefixtures("database_url")
def test_an_admins_reason_and_note_reach_whom_they_are_for() -> None:
    held = clinic_session()
    paid(held)
    admin = people.admin()
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        money.give_back(session, admin, held.id, amount=None, kind=ReturnKind.REFUND, reason="Lovelace asked")
    with unit_of_work(PLATFORM) as session:
        assert not session.execute(text("SELECT count(*) FROM charge_returns")).scalar_one()
        made = money.give_back(
            session, admin, held.id, amount=None, kind=ReturnKind.REFUND, reason="Half of it was silent",
            note="Ada Lovelace called twice",
        )  # fmt: skip
        money.returned(session, SYSTEM, made.id)
    with unit_of_work(PLATFORM) as session:
        everyone = audit.timeline(session, held.id, Audience.STAFF)
        platform = audit.timeline(session, held.id, Audience.PLATFORM)
        trail = session.execute(text("SELECT organization_id FROM audit_records WHERE detail::text LIKE '%Lovelace%'"))
        assert "Lovelace" not in str(everyone) and "Ada Lovelace called twice" in [line.note for line in platform]
        assert list(trail.scalars()) == [None]
    for scope in (Scope.payee(held.payee_id), Scope.organization(held.organization_id)):
        with unit_of_work(scope) as session:
            seen = session.execute(
                text("SELECT e::text FROM earnings e UNION ALL SELECT t::text FROM timeline_events t")
            )
            words = "\n".join(seen.scalars())
            assert "Half of it was silent" in words and "Lovelace" not in words


@pytest.mark.usefixtures("database_url")
def test_staff_that_cancels_or_says_who_was_absent_names_nobody() -> None:
    held = clinic_session()
    paid(held)
    admin = people.admin()
    with pytest.raises(Invalid) as refused, unit_of_work(PLATFORM) as session:
        booking.cancel(session, admin, held.id, CancelledBy.PLATFORM, "Ada Lovelace is ill")
    assert "first name only" in refused.value.fields["reason"]
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE consultations SET starts_at = now() - interval '1 hour', ends_at = now()"))
    with pytest.raises(Invalid), unit_of_work(PLATFORM) as session:
        booking.no_show(session, admin, held.id, CancelledBy.CLIENT, "ada@client.test wrote")
    with unit_of_work(PLATFORM) as session:
        ended = booking.no_show(session, SYSTEM, held.id, CancelledBy.CLIENT, "Lovelace, +44 20 7946 0000")
        assert ended.consultation.status is ConsultationStatus.NO_SHOW_CLIENT
        notes = [line.note for line in audit.timeline(session, held.id, Audience.EVERYONE)]
    assert any("…, …" in str(note) for note in notes), notes


@pytest.mark.usefixtures("database_url")
def test_our_own_words_stand_whatever_the_client_is_called() -> None:
    """A refund for a cancellation is tried again by a person though a word of its reason is the client's surname."""
    held = clinic_session()
    paid(held)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE accounts SET name = 'Ada More' WHERE id = :id"), {"id": held.client_account_id})
        refused = money.give_back(
            session, SYSTEM, held.id, amount=None, kind=ReturnKind.REFUND, reason=Why.EARLY.told
        )  # fmt: skip
        money.not_returned(session, SYSTEM, refused.id, "The card is closed.")
    with unit_of_work(PLATFORM) as session:
        again = by_hand.try_again(session, people.admin(), refused.id)
        assert again.reason == Why.EARLY.told and again.key == client_service.next_key(refused.key)
