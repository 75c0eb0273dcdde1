"""The platform hides reviews with a reason, and shows them again; nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from app.consultations import reviews
from app.consultations.reviews import Verdict
from app.consultations.states import ConsultationStatus as S
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity.states import Portal
from tests.app.consultations import making
from tests.factories import consultations, people
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]


def _published(payee_id: UUID) -> int:
    with unit_of_work(Scope.public()) as session:
        return len(reviews.published(session, payee_id).items)


def test_hiding(sign_in: SignIn, database_url: str) -> None:
    payee_id, noor = consultations.consultant(), making.client("noor@client.test")
    assert noor.account_id is not None
    people.admin("root@quittance.test")
    root = sign_in(Portal.ADMIN, "root@quittance.test")
    assert "No reviews yet" in root.get("/admin/reviews").text
    held = making.consultation(payee_id, noor, S.COMPLETED)
    with unit_of_work(Scope.client(noor.account_id)) as session:
        made = reviews.write(session, noor, held, Verdict(1, "A waste of an hour."))
    assert "A waste of an hour." in root.get("/admin/reviews").text
    url = f"/admin/reviews/{made}/hiding"
    assert "A waste of an hour." in root.get(url).text
    refused = root.post(url, {"reason": ""})
    assert refused.status_code == 422
    assert "Say why." in refused.text
    assert root.post(url, {"reason": "An insult."}).status_code == 303
    assert _published(payee_id) == 0
    assert "An insult." in root.get("/admin/reviews").text
    assert root.post(url, {"reason": "Again"}).status_code == 409
    assert root.post(f"/admin/reviews/{made}/showing").status_code == 303
    assert _published(payee_id) == 1
    priya = sign_in(Portal.CONSULTANT, "priya@consultant.test")
    assert priya.get("/admin/reviews").status_code == 404
    assert priya.post(url, {"reason": "Mine"}).status_code == 404
    assert _published(payee_id) == 1
