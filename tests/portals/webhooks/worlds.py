"""For each source of webhooks: something of ours it tells of, and its calls, signed as it signs them.

`good` has an effect, `older` tells of what was before it, `unknown` is of a type nobody knows. Providers' sides are
stood for where a call would leave the machine.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.charges.states import ChargeProvider
from app.consultations import money
from app.consultations.states import ConsultationStatus, Practice
from app.core.macs import mac, mac_base64
from app.core.scope import SYSTEM, Scope, operator
from app.core.stamps import sign
from app.db.session import unit_of_work
from app.gateways import shops
from app.payouts import batches
from app.rails import registry
from app.rails.access import Mode
from app.rails.base import Outcome, Result, SendOrder
from app.rails.mpesa import _address as mpesa_address
from app.rails.paypal_signatures import ALGORITHM, Signatures, Transmission
from app.rails.razorpayx_wire import EVENT_HEADER
from app.rails.simulated import SIGNATURE_HEADER, webhook_secret
from app.sales import codes
from jobs import runtime
from tests.app.consultations import making
from tests.app.payouts.test_batches import approved
from tests.factories import bookings, organizations, sales
from tests.factories import payouts as make
from tests.factories.people import PLATFORM
from tests.fakes import razorpayx as razorpay
from tests.fakes.calcom import call as cal
from tests.fakes.stripe import KEY, StripePeer
from tests.portals.webhooks.test_orders import GENERIC, SHOPIFY_ORDER, WOO_ORDER
from tests.stores import environment

SECRET = "whsec_of_these_tests"


@dataclass(frozen=True)
class Call:
    url: str
    body: bytes
    headers: dict[str, str]


@dataclass
class World:
    """`timed`: seconds, back and ahead, after which its signatures are refused; None where it signs no time."""

    name: str
    good: Callable[[], Call]
    older: Callable[[], Call]
    unknown: Callable[[], Call]
    timed: tuple[int, int] | None = None
    at: Callable[[int], Call] | None = None  # the good one, signed so many seconds from now
    secrets: Sequence[str] = field(default=())  # what its calls say of persons and destinations


def run_all() -> None:
    while runtime.run_due():
        pass


def now_s(away_s: int = 0) -> int:
    return int(time.time()) + away_s


class Provider:
    """Where a payout stands at its rail: taken at first, then as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rail: str, currency: str, to: dict[str, str] | None) -> None:
        self.stands, self.key = Outcome.PAID, ""
        monkeypatch.setattr(registry.RAILS[rail], "send", self.send)
        monkeypatch.setattr(registry.RAILS[rail], "find", self.find)
        maker, checker = make.admin("m@quittance.test"), make.admin("c@quittance.test")
        place = make.shop(1, currency=currency, rail=rail, to=to)
        make.earn(place, 1_000_00, currency=currency)
        batch_id = approved(place, maker, checker)
        with unit_of_work(PLATFORM) as session:
            batches.run(session, maker, batch_id)
        run_all()
        assert self.key, "nothing was sent"

    def send(self, orders: Sequence[SendOrder]) -> list[Result]:
        (order,) = orders
        self.key = order.key
        return [Result(order.key, Outcome.ACCEPTED, "ref-1")]

    def find(self, key: str, reference: str = "") -> Result:
        return Result(key, self.stands, "ref-1")


@contextmanager
def simulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    rail = Provider(monkeypatch, "simulated", "GBP", None)

    def made(number: str, status: str, away_s: int = 0) -> Call:
        told = {"id": number, "key": rail.key, "status": status, "reference": "ref-1", "at": "2026-11-21T03:00:00Z"}
        body = json.dumps({"events": [told]}).encode()
        return Call(
            "/api/webhooks/simulated", body,
            {SIGNATURE_HEADER: sign(webhook_secret(), body, now_s(away_s))},
        )  # fmt: skip

    yield World(
        "simulated", lambda: made("e2", "paid"), lambda: made("e1", "accepted"), lambda: made("e3", "sleeping"),
        (300, 300), lambda away: made("e2", "paid", away),
    )  # fmt: skip


@contextmanager
def stripe_connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    env = {
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_PAYOUTS_WEBHOOK_SECRET": SECRET,
        "STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_2",
    }
    with environment(**env):
        rail = Provider(monkeypatch, "stripe_connect", "USD", {"account": "acct_1PgafTB7WZ01zgkW"})

        def made(number: str, kind: str, away_s: int = 0, **about: Any) -> Call:
            transfer = {
                "id": "ref-1", "amount": 100000, "amount_reversed": 0, "destination": "acct_1PgafTB7WZ01zgkW",
                "metadata": {"attempt": rail.key}, "description": "for Jane Doe", **about,
            }  # fmt: skip
            told = {"id": number, "type": kind, "livemode": False, "data": {"object": transfer}}
            body = json.dumps(told).encode()
            return Call("/api/webhooks/stripe-payouts", body, {"Stripe-Signature": sign(SECRET, body, now_s(away_s))})

        def good(away_s: int = 0) -> Call:
            return made("evt_2", "transfer.reversed", away_s, amount_reversed=100000)

        yield World(
            "stripe_connect", good, lambda: made("evt_1", "transfer.created"),
            lambda: made("evt_3", "terminal.reader.action_failed"), (300, 300), good, ("Jane Doe",),
        )  # fmt: skip


class Keeper:
    """Has PayPal's certificate at hand; the chain of it is looked at in tests/rails."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def key(self, cert_url: str, mode: Mode) -> rsa.RSAPublicKey:
        return self.private.public_key()

    def signed(self, body: bytes, number: str, away_s: int = 0) -> dict[str, str]:
        at = (datetime.now(UTC) + timedelta(seconds=away_s)).isoformat(timespec="seconds")
        url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"
        message = Transmission(f"t-{number}", at, "", ALGORITHM, url, body).message("WH-ID")
        signature = base64.b64encode(self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
        return {
            "Paypal-Transmission-Id": f"t-{number}", "Paypal-Transmission-Time": at, "Paypal-Cert-Url": url,
            "Paypal-Transmission-Sig": signature, "Paypal-Auth-Algo": ALGORITHM,
        }  # fmt: skip


@contextmanager
def paypal(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    keeper = Keeper()
    monkeypatch.setattr(registry.RAILS["paypal"], "_signatures", Signatures(registry.RAILS["paypal"], keeper))
    with environment(PAYPAL_CLIENT_ID="c", PAYPAL_CLIENT_SECRET="s", PAYPAL_WEBHOOK_ID="WH-ID"):
        rail = Provider(monkeypatch, "paypal", "USD", {"email": "jane@example.test"})

        def made(number: str, kind: str, away_s: int = 0) -> Call:
            item = {"sender_item_id": rail.key, "receiver": "jane@example.test", "recipient_type": "EMAIL"}
            about = {"payout_item_id": "ref-1", "transaction_status": "SUCCESS", "payout_item": item}
            body = json.dumps({"id": number, "event_type": kind, "resource": about}).encode()
            return Call("/api/webhooks/paypal-payouts", body, keeper.signed(body, number, away_s))

        def older() -> Call:
            rail.stands = Outcome.ACCEPTED
            return made("WH-1", "PAYMENT.PAYOUTS-ITEM.UNCLAIMED")

        def good(away_s: int = 0) -> Call:
            return made("WH-2", "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", away_s)

        yield World(
            "paypal", good, older, lambda: made("WH-3", "BILLING.PLAN.CREATED"), (3 * 86_400 + 3_600, 300), good,
            ("jane@example.test",),
        )  # fmt: skip


@contextmanager
def mpesa(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> Iterator[World]:
    certificate.write_text("of nobody")
    env = {
        "MPESA_CONSUMER_KEY": "k", "MPESA_CONSUMER_SECRET": "s", "MPESA_SHORT_CODE": "600000",
        "MPESA_INITIATOR_NAME": "i", "MPESA_INITIATOR_PASSWORD": "p", "MPESA_CERTIFICATE_FILE": str(certificate),
    }  # fmt: skip
    with environment(**env):
        rail = Provider(monkeypatch, "mpesa", "KES", {"phone": "+254705912645"})

        def made(kind: str, body: bytes) -> Call:
            address = mpesa_address(rail.key, kind, "1000")
            return Call(address[address.index("/api/") :], body, {})

        def result(kind: str, code: int, receipt: str) -> Call:
            party = {"Key": "ReceiverPartyPublicName", "Value": "254705912645 - JANE DOE"}
            amount = {"Key": "TransactionAmount", "Value": 1000}
            told = {
                "ResultCode": code, "TransactionID": receipt, "OriginatorConversationID": rail.key,
                "ResultParameters": {"ResultParameter": [party, amount]},
            }  # fmt: skip
            return made(kind, json.dumps({"Result": told}).encode())

        def older() -> Call:
            rail.stands = Outcome.ACCEPTED
            return result("timeout", 1, "SG632NMUAA")

        yield World(
            "mpesa", lambda: result("result", 0, "SG632NMUAB"), older, lambda: made("result", b'{"News": {}}'),
            secrets=("254705912645", "JANE DOE"),
        )  # fmt: skip


@contextmanager
def razorpayx(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with environment(**razorpay.ENVIRONMENT):
        rail = Provider(monkeypatch, "razorpayx", "INR", None)

        def made(number: str, kind: str, status: str) -> Call:
            payout = {
                "id": "pout_1", "reference_id": rail.key, "status": status,
                "fund_account": {"bank_account": {"name": "Gaurav Kumar", "account_number": "50200012345678"}},
            }  # fmt: skip
            body = json.dumps({"event": kind, "payload": {"payout": {"entity": payout}}}).encode()
            signed = mac(razorpay.WEBHOOK_SECRET, body)
            return Call("/api/webhooks/razorpayx", body, {"X-Razorpay-Signature": signed, EVENT_HEADER: number})

        def older() -> Call:
            rail.stands = Outcome.ACCEPTED
            return made("evt_1", "payout.initiated", "processing")

        yield World(
            "razorpayx", lambda: made("evt_2", "payout.processed", "processed"), older,
            lambda: made("evt_3", "contact.flown", ""), secrets=("Gaurav Kumar", "50200012345678"),
        )  # fmt: skip


@contextmanager
def cards(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    peer = StripePeer()
    with environment(STRIPE_SECRET_KEY=KEY, STRIPE_WEBHOOK_SECRET=SECRET, STRIPE_URL=peer.url):
        house = organizations.organization("house", is_house=True, currency="USD")
        advisor = bookings.consultant(house, Practice.ADVISOR)
        held = bookings.booked(bookings.offering(house, None, 1900), advisor, bookings.client_account())
        with unit_of_work(PLATFORM) as session:
            money.charge(session, SYSTEM, held, ChargeProvider.STRIPE)
        run_all()
        peer.pays("pi_1")

        def made(number: str, kind: str, away_s: int = 0) -> Call:
            about = {"id": "pi_1", "receipt_email": "jane@example.test"}
            body = json.dumps({"id": number, "type": kind, "livemode": False, "data": {"object": about}}).encode()
            return Call("/api/webhooks/stripe-payments", body, {"Stripe-Signature": sign(SECRET, body, now_s(away_s))})

        def good(away_s: int = 0) -> Call:
            return made("evt_2", "payment_intent.succeeded", away_s)

        yield World(
            "cards", good, lambda: made("evt_1", "payment_intent.processing"), lambda: made("evt_3", "price.created"),
            (300, 300), good, ("jane@example.test",),
        )  # fmt: skip
    peer.close()


@contextmanager
def calcom(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with environment(CALCOM_WEBHOOK_SECRET=SECRET):
        payee_id = making.consultant(organizations.organization("house", currency="USD", is_house=True))
        starts_at = (datetime.now(UTC) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
        ours = making.consultation(payee_id, making.client(), ConsultationStatus.BOOKED, starts_at)
        told = {
            "startTime": starts_at.isoformat(), "endTime": (starts_at + timedelta(hours=1)).isoformat(),
            "metadata": {"consultation_id": str(ours)},
        }  # fmt: skip

        def made(body: bytes) -> Call:
            return Call("/api/v1/webhooks/calcom", body, {"X-Cal-Signature-256": mac(SECRET, body)})

        yield World(
            "calcom", lambda: made(cal("BOOKING_CANCELLED", cancelledBy="guest@example.com", **told)),
            lambda: made(cal("BOOKING_CREATED", **told)),
            lambda: made(b'{"triggerEvent": "FORM_SUBMITTED", "createdAt": "2024-01-01T00:00:00Z", "payload": {}}'),
            secrets=("guest@example.com", "Guest User"),
        )  # fmt: skip


@contextmanager
def shop(kind: shops.Shop) -> Iterator[World]:
    made = organizations.organization("alder", currency="USD")
    sales.code(made, sales.creator(made).id)
    with unit_of_work(Scope.organization(made)) as session:
        codes.add_store(session, operator(), made, kind, "Alder & Moss", SECRET)
    with unit_of_work(PLATFORM) as session:
        codes.called(session, made, kind)  # it is noted once a minute
    url = f"/api/webhooks/orders/{kind.value}/alder"

    def shopify(topic: str, number: str, payload: Any) -> Call:
        body = json.dumps(payload).encode()
        signed = {"X-Shopify-Hmac-Sha256": mac_base64(SECRET, body)}
        return Call(url, body, {**signed, "X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": number})

    def woo(payload: Any, topic: str = "order.updated") -> Call:
        body = json.dumps(payload).encode()
        return Call(url, body, {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": mac_base64(SECRET, body)})

    def generic(payload: Any, away_s: int = 0) -> Call:
        body, stamp = json.dumps(payload).encode(), str(now_s(away_s))
        signed = shops.sign_generic(SECRET, stamp, body)
        return Call(url, body, {"X-Quittance-Timestamp": stamp, "X-Quittance-Signature": signed})

    def own(away_s: int = 0) -> Call:
        return generic(GENERIC, away_s)

    unpaid = {**SHOPIFY_ORDER, "financial_status": "pending"}
    before = {**WOO_ORDER, "status": "pending", "date_paid_gmt": None, "date_modified_gmt": "2026-11-18T16:28:03"}
    again = {**GENERIC, "event_id": "e-0", "amount_minor": 90_00}
    yield {
        shops.Shop.SHOPIFY: World(
            "shopify", lambda: shopify("orders/paid", "w2", SHOPIFY_ORDER),
            lambda: shopify("orders/create", "w1", unpaid), lambda: shopify("products/create", "w3", {"id": 1}),
            secrets=("Bob.Norman@example.test", "Norman", "+16136120707"),
        ),
        shops.Shop.WOOCOMMERCE: World(
            "woocommerce", lambda: woo(WOO_ORDER), lambda: woo(before, "order.created"),
            lambda: woo({"id": 1}, "product.created"), secrets=("john.doe@example.test", "Doe"),
        ),
        shops.Shop.GENERIC: World(
            "generic", own, lambda: generic(again), lambda: generic({"event_id": "e-3", "type": "parcel.lost"}),
            (300, 300), own, ("jane@example.test",),
        ),
    }[kind]  # fmt: skip
