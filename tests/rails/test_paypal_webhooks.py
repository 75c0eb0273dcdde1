"""PayPal's webhooks: two real deliveries and their signatures, and everything that is not PayPal's refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.core import clock
from app.rails.access import Mode
from app.rails.base import BadSignature, Delivery, Outcome, RailUnavailable
from app.rails.paypal import PayPalRail
from app.rails.paypal_signatures import CannotTell, Certificates, Signatures, check_cert_url, read_chain
from tests.fakes import paypal as fake
from tests.fakes.paypal import Peer
from tests.fakes.simulator import SimulatorPeer
from tests.specs import needs, specs

SIGNED = specs("paypal", "webhooks", "signed-deliveries.json")
EVENTS = specs("paypal", "webhooks")
NAME = "messageverificationcerts.sandbox.paypal.com"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Authority:
    """Stands for those that certify PayPal: any key it is given, for any name and time."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.root = self._certificate("Test authority", self._key.public_key(), datetime(2010, 1, 1, tzinfo=UTC), True)

    def certify(self, key: rsa.RSAPublicKey, since: datetime, name: str = NAME) -> bytes:
        made = self._certificate(name, key, since, False)
        return made.public_bytes(serialization.Encoding.PEM)

    def _certificate(self, name: str, key: rsa.RSAPublicKey, since: datetime, root: bool) -> x509.Certificate:
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        usage = dict.fromkeys(
            (
                "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
                "decipher_only",
            ),
            False,
        )  # fmt: skip
        built = (
            x509.CertificateBuilder().subject_name(named).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(since)
            .not_valid_after(since + timedelta(days=36_500 if root else 730))
            .add_extension(x509.BasicConstraints(root, None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not root, key_cert_sign=root, crl_sign=root, **usage), critical=True
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )  # fmt: skip
        if not root:
            built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return built.sign(self._key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    with fake.peer() as made:
        fake.reached_at(monkeypatch, made.url)
        yield made


def _real() -> list[dict[str, Any]]:
    known = json.loads(SIGNED.read_text())
    return [{**one, "cert_url": known["cert_url"], "key": known["public_key_pem"]} for one in known["deliveries"]]


def _delivery(one: dict[str, Any], **changes: Any) -> Delivery:
    one = {**one, **changes}
    headers = {
        "Paypal-Transmission-Id": one["transmission_id"], "Paypal-Transmission-Time": one["transmission_time"],
        "Paypal-Transmission-Sig": one["transmission_sig"], "Paypal-Cert-Url": one["cert_url"],
        "Paypal-Auth-Algo": "SHA256withRSA",
    }  # fmt: skip
    return Delivery(headers, one["body"].encode())


def _rail(authority: Authority, pem: bytes) -> tuple[PayPalRail, list[str]]:
    """A rail that finds this certificate wherever it asks, and the addresses it asked."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return pem

    rail = PayPalRail()
    rail._signatures = Signatures(rail, Certificates(fetch, [authority.root]))
    return rail, asked


@needs(SIGNED)
@pytest.mark.parametrize("number", [0, 1])
def test_real_deliveries_are_paypals_and_one_flipped_byte_is_not(
    number: int, authority: Authority, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = _real()[number]
    at = datetime.fromisoformat(one["transmission_time"])
    fake.reached_at(monkeypatch, peer.url, PAYPAL_WEBHOOK_ID=one["webhook_id"])
    key = serialization.load_pem_public_key(one["key"].encode())
    assert isinstance(key, rsa.RSAPublicKey)
    rail, asked = _rail(authority, authority.certify(key, at - timedelta(days=100)))
    with clock.at(at + timedelta(minutes=1)):
        for _ in range(2):
            (event,) = rail.parse_event(_delivery(one))
            assert event.result is None and event.about == json.loads(one["body"])["event_type"]
        assert asked == [one["cert_url"]]  # once for both
        body, signature = one["body"], one["transmission_sig"]
        flipped = body.replace('"id"', '"iD"', 1)
        wrong = signature[:9] + ("A" if signature[9] != "A" else "B") + signature[10:]
        for changes in (
            {"body": flipped}, {"transmission_sig": wrong}, {"transmission_sig": "no base64"},
            {"transmission_id": one["transmission_id"][:-1] + "0"}, {"transmission_time": at.isoformat()},
        ):  # fmt: skip
            with pytest.raises(BadSignature, match="does not fit"):
                rail.parse_event(_delivery(one, **changes))
    fake.reached_at(monkeypatch, peer.url, PAYPAL_WEBHOOK_ID="ANOTHER")
    with clock.at(at), pytest.raises(BadSignature, match="does not fit"):
        rail.parse_event(_delivery(one))
    assert not peer.asked  # the certificate settles it: PayPal is not asked


def test_only_certificates_of_paypal_are_fetched() -> None:
    good = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"
    check_cert_url(good, Mode.SANDBOX)
    check_cert_url("https://api-m.paypal.com/v1/notifications/certs/CERT-1", Mode.LIVE)
    for url in (
        good.replace("https", "http"), good.replace("paypal.com", "paypal.com.evil.example"),
        good.replace("api.", "evil@api."), good.replace("https://", "https://evil.example/"),
        good.replace(".com/", ".com:444/"), good.replace(".com/", ".com@evil.example/"), f"{good}?next=x",
        good.replace("certs/", "certs/../../oauth2/"), good.replace("certs/", "certs/%2e%2e/"), f"{good}#x",
        "https://api.sandbox.paypal.com/v1/notifications/other/CERT-1", "https://[::1", "",
    ):  # fmt: skip
        with pytest.raises(BadSignature):
            check_cert_url(url, Mode.SANDBOX)
    with pytest.raises(BadSignature):
        check_cert_url(good, Mode.LIVE)  # nobody signs live events in PayPal's sandbox


def test_a_certificate_is_paypals_in_its_chain_and_in_its_time(authority: Authority) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    since, roots = NOW - timedelta(days=10), [authority.root]
    with clock.at(NOW):
        found, ends_at = read_chain(authority.certify(key, since), NAME, roots)
        assert found.public_numbers() == key.public_numbers() and ends_at == since + timedelta(days=730)
        for pem, trusted in (
            (authority.certify(key, NOW + timedelta(days=1)), roots),
            (authority.certify(key, NOW - timedelta(days=731)), roots),
            (authority.certify(key, since, "paypal.evil.example"), roots),
            (authority.certify(key, since), [Authority().root]),
            (authority.certify(key, since), []),
            (b"<html>", roots),
        ):
            with pytest.raises(CannotTell):
                read_chain(pem, NAME, trusted)


@needs(EVENTS / "PAYMENT.PAYOUTS-ITEM.SUCCEEDED.json")
def test_without_the_certificate_paypal_is_asked_with_the_event_byte_for_byte(peer: Peer, authority: Authority) -> None:
    """The file is indented, so that an event written anew would differ."""
    body = (EVENTS / "PAYMENT.PAYOUTS-ITEM.SUCCEEDED.json").read_text()
    rail, asked = _rail(authority, b"no certificate")
    one = {
        "transmission_id": "t-1", "transmission_time": NOW.isoformat(), "transmission_sig": "c2ln",
        "cert_url": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1", "body": body,
    }  # fmt: skip
    peer.answers = [
        (200, {"verification_status": "SUCCESS"}), (200, {"verification_status": "FAILURE"}),
        (400, {"name": "VALIDATION_ERROR"}), (403, {"name": "AUTHORIZATION_ERROR"}), None,
    ]  # fmt: skip
    with clock.at(NOW):
        (event,) = rail.parse_event(_delivery(one))
        for error in (BadSignature, BadSignature, RailUnavailable, RailUnavailable):
            with pytest.raises(error):
                rail.parse_event(_delivery(one))
    sent = peer.asked[0]
    assert sent.path == "/v1/notifications/verify-webhook-signature"
    assert sent.body.endswith(b'"webhook_event":' + body.encode() + b"}")
    assert {name: sent.json[name] for name in ("webhook_id", "auth_algo")} == {
        "webhook_id": fake.CREDENTIALS["PAYPAL_WEBHOOK_ID"], "auth_algo": "SHA256withRSA",
    }  # fmt: skip
    assert len(asked) == 1  # a certificate that cannot be had is not asked for at every call
    assert event.look_up and event.result and event.event_id == json.loads(body)["id"]
    assert (event.result.key, event.result.outcome) == ("Item1", Outcome.ACCEPTED)  # what it says is not believed


def test_what_is_old_from_the_future_or_no_event_is_refused_unasked(peer: Peer) -> None:
    rail = PayPalRail()
    one = {
        "transmission_id": "t-1", "transmission_time": NOW.isoformat(), "transmission_sig": "c2ln",
        "cert_url": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1", "body": "{}",
    }  # fmt: skip
    changes: list[dict[str, str]] = [
        {"transmission_time": (NOW - timedelta(days=3, hours=2)).isoformat()},
        {"transmission_time": (NOW + timedelta(minutes=6)).isoformat()},
        {"transmission_time": "2026-11-20T12:00:00"}, {"transmission_time": "soon"}, {"transmission_id": ""},
        {"transmission_id": "a|b"}, {"cert_url": ""}, {"body": "[]"}, {"body": '{}, "webhook_id": "X"'}, {"body": ""},
    ]  # fmt: skip
    with clock.at(NOW):
        for change in changes:
            with pytest.raises(BadSignature):
                rail.parse_event(_delivery(one, **change))
        other = _delivery(one)
        with pytest.raises(BadSignature):
            rail.parse_event(replace(other, headers={**other.headers, "Paypal-Auth-Algo": "none"}))
        with pytest.raises(BadSignature):
            rail.parse_event(replace(other, body=b"\xff\xfe{\x00}\x00"))
    assert not peer.asked


@needs(EVENTS / "PAYMENT.PAYOUTSBATCH.DENIED.json")
def test_every_event_is_read_for_what_it_is(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    rail = PayPalRail()
    monkeypatch.setattr(rail._signatures, "check", lambda *_: None)
    names = sorted(EVENTS.glob("PAYMENT.*.json"))
    assert len(names) == 11
    for name in names:
        (event,) = rail.parse_event(Delivery({}, name.read_bytes()))
        if "PAYOUTSBATCH" in name.name:
            assert (event.result, event.about, event.evidence["batch"]) == (None, "batch", "Q8B9WFS7ZZJ4Q")
        else:
            assert event.look_up and event.result
            assert (event.result.key, event.result.reference) == ("Item1", "AYNYWNCHBD8KS")
    for body in (b'{"id": "WH-1"}', b'{"id": "WH-1", "event_type": "PAYMENT.PAYOUTS-ITEM.HELD", "resource": 1}'):
        with pytest.raises(BadSignature):
            rail.parse_event(Delivery({}, body))


def test_the_simulators_deliveries_are_checked_by_asking_it(
    simulator: SimulatorPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.rails.simulator.dialects.paypal import PayPalDialect

    fake.simulated_at(monkeypatch, simulator.url)
    event = {
        "id": "evt_0123", "at": 1.0, "taken_at": 1.0, "status": "paid", "code": "", "reference": "ITEM1",
        "amount_minor": 10_50, "currency": "USD",
        "extra": {"item": "key-a1", "batch": "B", "receiver": "ann@example.test", "type": "EMAIL"},
    }  # fmt: skip
    call = PayPalDialect().tell(event)
    assert call
    rail = PayPalRail()
    (said,) = rail.parse_event(Delivery(call.headers, call.content))
    assert said.result and (said.result.key, said.result.reference) == ("key-a1", "ITEM1")
    with pytest.raises(BadSignature):
        rail.parse_event(Delivery(call.headers, call.content.replace(b"10.50", b"99.50")))
