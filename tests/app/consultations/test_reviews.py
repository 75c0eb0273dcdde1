"""Reviews: once, by the client, after it was held; what tells who they are stays out; hidden ones do not count."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.consultations import reviews
from app.consultations.privacy import first_name, without_identity
from app.consultations.profile_models import ConsultantProfile
from app.consultations.reviews import Verdict
from app.consultations.states import ConsultationStatus
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.identity.models import Account
from tests.app.consultations import making
from tests.factories import organizations
from tests.factories.people import PLATFORM

HELD = ConsultationStatus.COMPLETED


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    return making.consultant(organizations.organization("house", currency="USD", is_house=True))


def _write(who: Actor, consultation_id: UUID, verdict: Verdict) -> UUID:
    assert who.account_id is not None
    with unit_of_work(Scope.client(who.account_id)) as session:
        return reviews.write(session, who, consultation_id, verdict)


def _rating(payee_id: UUID) -> tuple[int, int]:
    with unit_of_work(PLATFORM) as session:
        columns = (ConsultantProfile.rating_sum, ConsultantProfile.rating_count)
        return tuple(session.execute(select(*columns).where(ConsultantProfile.payee_id == payee_id)).one())


def test_once_by_its_client_after_it_was_held(payee_id: UUID) -> None:
    noor, other = making.client(), making.client("sam@client.test")
    held = making.consultation(payee_id, noor, HELD)
    booked = making.consultation(payee_id, noor, ConsultationStatus.BOOKED, making.NOON.replace(hour=15))
    with pytest.raises(NotFound):
        _write(other, held, Verdict(1))
    with pytest.raises(Conflict, match="once it was held"):
        _write(noor, booked, Verdict(5))
    with pytest.raises(Invalid) as refused:
        _write(noor, held, Verdict(6, expertise=0))
    assert set(refused.value.fields) == {"rating", "expertise"}
    _write(noor, held, Verdict(4, "Clear and kind.", expertise=5))
    with pytest.raises(Conflict, match="already"):
        _write(noor, held, Verdict(1))
    assert _rating(payee_id) == (4, 1)


def test_the_text_does_not_tell_who_wrote_it(payee_id: UUID) -> None:
    noor = making.client()
    with unit_of_work(PLATFORM) as session:
        session.execute(update(Account).where(Account.id == noor.account_id).values(name="Noor Rahimi"))
    text = "Noor RAHIMI here: call +44 20 7946 0958 or noor@client.test. Rated 10 of 10 in 2026."
    _write(noor, making.consultation(payee_id, noor, HELD), Verdict(5, text))
    with unit_of_work(Scope.public()) as session:
        (found,) = reviews.published(session, payee_id).items
    assert found.text == "Noor … here: call … or …. Rated 10 of 10 in 2026."
    assert found.client_first_name == "Noor"


def test_hidden_ones_do_not_count(payee_id: UUID) -> None:
    noor = making.client()
    kept = _write(noor, making.consultation(payee_id, noor, HELD), Verdict(5))
    unfair = _write(noor, making.consultation(payee_id, noor, HELD, making.NOON.replace(hour=15)), Verdict(1))
    assert _rating(payee_id) == (6, 2)
    with unit_of_work(PLATFORM) as session:
        with pytest.raises(Invalid):
            reviews.hide(session, operator(), unfair, " ")
        with pytest.raises(Forbidden):
            reviews.hide(session, Actor("A", "ORG_OWNER"), unfair, "Rude")
        reviews.hide(session, operator(), unfair, "Insults instead of a review.")
        with pytest.raises(Conflict):
            reviews.hide(session, operator(), unfair, "Again")
    assert _rating(payee_id) == (5, 1)
    with unit_of_work(Scope.public()) as session:
        assert [one.id for one in reviews.published(session, payee_id).items] == [kept]
    with unit_of_work(PLATFORM) as session:
        assert {one.hidden_reason for one in reviews.everything(session).items} == {
            None,
            "Insults instead of a review.",
        }
        reviews.show(session, operator(), unfair)
    assert _rating(payee_id) == (6, 2)


def test_names() -> None:
    assert first_name("Noor Al Rahimi") == "Noor"
    assert first_name("noor@client.test") == first_name("  ") == "Client"
    assert without_identity("Ask al-rahimi or Noor", "Noor Al Rahimi", "n.rahimi@x.test") == "Ask …-… or Noor"
