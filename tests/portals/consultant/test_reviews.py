"""A consultant reads all reviews of their own: the hidden ones too, which nobody else does, and why they are hidden."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from app.consultations import reviews
from app.consultations.reviews import Verdict
from app.consultations.states import ConsultationStatus as S
from app.core.errors import Invalid
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.identity.states import Portal
from tests.app.consultations import making
from tests.factories import consultations, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.public.test_advisors_many import statements

SignIn = Callable[[Portal, str], Browser]
URL = "/consultant/reviews"


@pytest.fixture
def payee_id(database_url: str) -> UUID:
    return consultations.consultant()


@pytest.fixture
def priya(payee_id: UUID, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CONSULTANT, "priya@consultant.test")


def reviewed(payee_id: UUID, *verdicts: Verdict, first: int = 0) -> list[UUID]:
    noor = making.client(f"noor{first}@client.test")
    assert noor.account_id is not None
    made = []
    for number, verdict in enumerate(verdicts, start=first):
        held = making.consultation(payee_id, noor, S.COMPLETED, making.NOON + timedelta(days=number))
        with unit_of_work(Scope.client(noor.account_id)) as session:
            made.append(reviews.write(session, noor, held, verdict))
    return made


def hide(review_id: UUID, reason: str = "It is about somebody else.") -> None:
    with unit_of_work(PLATFORM) as session:
        reviews.hide(session, operator(), review_id, reason)


def test_what_clients_wrote(priya: Browser, payee_id: UUID) -> None:
    assert "No reviews yet" in priya.get(URL).text
    made = reviewed(payee_id, Verdict(5, "Very clear.", 5, 4, 5), Verdict(4, "Good.", 4), Verdict(1, "Not me."))
    hide(made[2])
    shown = re.sub(r"<[^>]+>", "", priya.get(URL).text)
    for word in (
        "4.5",
        "2 reviews · 1 hidden",
        "Very clear.",
        "Not me.",
        "It is about somebody else.",
        "Expertise 5/5",
    ):
        assert word in shown
    with unit_of_work(Scope.payee(payee_id)) as session:
        sums = reviews.averages(session, payee_id)
    assert (sums.number, sums.hidden, sums.stars) == (2, 1, (1, 1, 0, 0, 0))
    assert [str(mark) for mark in (sums.rating, sums.expertise, sums.communication, sums.helpfulness)] == [
        "4.5", "4.5", "4.0", "5.0",
    ]  # fmt: skip
    with unit_of_work(Scope.public()) as session:
        assert "Not me." not in [one.text for one in reviews.published(session, payee_id).items]


def test_why_names_no_client(payee_id: UUID) -> None:
    made = reviewed(payee_id, Verdict(1, "No."))[0]
    for reason in ("", "Write to n.q@client.test", "x" * 501):
        with pytest.raises(Invalid) as refused:
            hide(made, reason)
        assert "reason" in refused.value.fields


def test_only_ones_own(priya: Browser, payee_id: UUID, sign_in: SignIn) -> None:
    reviewed(payee_id, Verdict(5, "Very clear."))
    consultations.consultant(name="Ines Marques")
    ines = sign_in(Portal.CONSULTANT, "ines@consultant.test")
    assert "Very clear." not in ines.get(URL).text
    people.account(Portal.CLIENT, "sam@client.test")
    assert sign_in(Portal.CLIENT, "sam@client.test").get(URL).status_code == 404


def test_many_cost_what_few_cost(priya: Browser, payee_id: UUID) -> None:
    reviewed(payee_id, Verdict(5))

    def cost() -> int:
        with statements() as seen:
            assert priya.get(URL).status_code == 200
        return len(seen)

    cost()
    few = cost()
    reviewed(payee_id, *[Verdict(4)] * 22, first=1)
    assert cost() == few
    older = re.search(r'rel="next" href="([^"]+)"', priya.get(URL).text)
    assert older is not None
    assert priya.get(older[1].replace("&amp;", "&")).text.count('id="review-') == 3
