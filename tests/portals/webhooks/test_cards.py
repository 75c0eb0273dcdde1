"""A client's payment from intent to refund and dispute, told by Stripe's webhooks and found without them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from app.charges.client_models import Charge
from app.charges.client_service import client_secret
from app.charges.states import ChargeProvider, ChargeStatus, ReturnKind
from app.consultations import money
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus, Practice
from app.core.money import Money
from app.core.scope import SYSTEM
from app.core.stamps import sign
from app.db.session import unit_of_work
from app.gateways.cards import Unanswered
from app.reporting import doctor
from jobs import clients, runtime
from tests.factories import bookings as make
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM
from tests.fakes.stripe import KEY, StripePeer
from tests.portals.conftest import Browser
from tests.stores import environment

SECRET = "whsec_test"
HERE = "/api/webhooks/stripe-payments"


@pytest.fixture
def peer(app: Any) -> Iterator[StripePeer]:
    made = StripePeer()
    with environment(STRIPE_SECRET_KEY=KEY, STRIPE_WEBHOOK_SECRET=SECRET, STRIPE_URL=made.url):
        yield made
    made.close()


@pytest.fixture
def held(peer: StripePeer) -> Consultation:
    house = organization("house", is_house=True, currency="USD")
    advisor = make.consultant(house, Practice.ADVISOR)
    return make.booked(make.offering(house, None, 1900), advisor, make.client_account())


def charged(held: Consultation) -> UUID:
    with unit_of_work(PLATFORM) as session:
        return money.charge(session, SYSTEM, held, ChargeProvider.STRIPE).id


def charge(charge_id: UUID) -> Charge:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(Charge, charge_id)


def run() -> None:
    for _ in range(4):
        runtime.run_due()


def tell(client: Browser, kind: str, reference: str, number: str = "1", signature: str | None = None) -> Any:
    event = {"id": f"evt_{kind}_{number}", "type": kind, "livemode": False, "data": {"object": {"id": reference}}}
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": signature or sign(SECRET, body)}
    return client.open(HERE, method="POST", data=body, headers=headers)


def earned(superuser: Any) -> list[int]:
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
    return [row[0] for row in superuser.execute("SELECT amount_minor FROM earnings ORDER BY created_at, id").fetchall()]


def test_paid_by_webhook_and_refunded(client: Browser, peer: StripePeer, held: Consultation, superuser: Any) -> None:
    charge_id = charged(held)
    run()
    asked = charge(charge_id)
    assert client_secret(asked) == "pi_secret" and "pi_secret" not in str(asked.client_secret_sealed)
    assert peer.intents["pi_1"]["metadata"] == {
        "charge_id": str(charge_id), "consultation_id": str(held.id), "advisor_id": str(held.payee_id),
        "duration_minutes": "30",
    }  # fmt: skip
    tell(client, "payment_intent.succeeded", "pi_1", "early")  # what it says is asked for, not believed
    run()
    assert charge(charge_id).status is ChargeStatus.PENDING
    peer.pays("pi_1")
    assert tell(client, "payment_intent.succeeded", "pi_1").get_json() == {"new": 1}
    assert tell(client, "payment_intent.succeeded", "pi_1").get_json() == {"new": 0}
    run()
    assert charge(charge_id).status is ChargeStatus.SUCCEEDED and charge(charge_id).client_secret_sealed is None
    assert earned(superuser) == [1330]
    with unit_of_work(PLATFORM) as session:
        assert session.get_one(Consultation, held.id).status is ConsultationStatus.BOOKED
        amount = Money(1000, "USD")
        money.give_back(session, SYSTEM, held.id, amount=amount, kind=ReturnKind.REFUND, reason="Half of it")
    run()
    tell(client, "refund.updated", "re_1")
    run()
    assert [one["amount"] for one in peer.refunds.values()] == [1000] and earned(superuser) == [1330, -700]


def test_lost_answers_charge_and_refund_once(peer: StripePeer, held: Consultation, superuser: Any) -> None:
    charge_id = charged(held)
    peer.lose_replies = 1
    with pytest.raises(Unanswered):
        clients.ask(str(charge_id))
    assert charge(charge_id).status is ChargeStatus.UNKNOWN
    clients.ask(str(charge_id))
    assert charge(charge_id).provider_reference == "pi_1" and len(peer.intents) == 1
    peer.pays("pi_1")
    superuser.execute("UPDATE charges SET created_at = now() - interval '1 hour'")
    clients.look_up()  # the webhook never came
    assert earned(superuser) == [1330]
    with unit_of_work(PLATFORM) as session:
        back = money.give_back(session, SYSTEM, held.id, amount=None, kind=ReturnKind.REFUND, reason="Cancelled").id
    peer.lose_replies = 1
    with pytest.raises(Unanswered):
        clients.give_back(str(back))
    clients.give_back(str(back))
    assert len(peer.refunds) == 1 and earned(superuser) == [1330, -1330]


def test_a_refund_and_a_dispute_made_over_there(
    client: Browser, peer: StripePeer, held: Consultation, superuser: Any
) -> None:
    charge_id = charged(held)
    run()
    peer.pays("pi_1")
    clients.ask(str(charge_id))
    peer.refunds["re_9"] = {
        "id": "re_9", "status": "succeeded", "amount": 900, "currency": "usd", "payment_intent": "pi_1", "metadata": {},
    }  # fmt: skip
    peer.disputes["dp_1"] = {
        "id": "dp_1", "status": "needs_response", "amount": 1900, "currency": "usd", "payment_intent": "pi_1",
        "reason": "fraudulent",
    }  # fmt: skip
    tell(client, "refund.created", "re_9")
    tell(client, "charge.dispute.created", "dp_1")
    tell(client, "charge.dispute.created", "dp_9", "2")  # of nothing Stripe knows
    run()
    assert earned(superuser) == [1330, -630]
    assert superuser.execute("SELECT DISTINCT reason FROM held_earnings").fetchall() == [("dispute",)]
    peer.disputes["dp_1"]["status"] = "lost"
    tell(client, "charge.dispute.closed", "dp_1")
    run()
    assert sum(earned(superuser)) == 0 and charge(charge_id).refundable.minor == 0
    states = superuser.execute("SELECT status FROM webhook_events ORDER BY created_at, id").fetchall()
    assert [row[0] for row in states] == ["applied", "applied", "ignored", "applied"]


def test_an_amount_that_is_not_ours_pays_nothing(peer: StripePeer, held: Consultation, superuser: Any) -> None:
    charge_id = charged(held)
    clients.ask(str(charge_id))
    peer.intents["pi_1"]["amount"] = 19
    peer.pays("pi_1")
    clients.ask(str(charge_id))
    assert charge(charge_id).status is ChargeStatus.PENDING and earned(superuser) == []


def test_a_time_that_ran_out_cannot_be_paid(peer: StripePeer, held: Consultation, superuser: Any) -> None:
    charge_id = charged(held)
    clients.ask(str(charge_id))
    make.advance(held.id, ConsultationStatus.EXPIRED)
    superuser.execute("UPDATE charges SET created_at = now() - interval '1 hour'")
    clients.look_up()
    assert peer.intents["pi_1"]["status"] == "canceled" and charge(charge_id).status is ChargeStatus.CANCELLED


def test_who_is_refused(client: Browser, peer: StripePeer) -> None:
    assert tell(client, "payment_intent.succeeded", "pi_1", signature="t=1,v1=00").status_code == 401
    ahead = sign(SECRET, b"{}", 4_102_444_800)
    refused = client.open(HERE, method="POST", data=b"{}", headers={"Stripe-Signature": ahead})
    assert refused.status_code == 401
    with environment(STRIPE_SECRET_KEY="sk_live_real"):  # a live key does nothing in sandbox
        assert tell(client, "payment_intent.succeeded", "pi_1").status_code == 404
