"""How long a provider waits for our answer to a webhook: verified, sealed, stored, promised to a job; then 200.

    python -m bench.webhooks [--calls 1200] [--rounds 3]

Two servers as in production (granian, two workers of two threads): the whole application, and a door that checks the
same signature and inserts the same bytes, no more. Eight senders at a time call one and then the other on 127.0.0.1,
each without a pause, each call another event, signed beforehand. PayPal's certificate is in its chain and kept after
the first call, as in production. The senders share the machine with the server: the times hold their work too.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.core.macs import mac
from app.core.stamps import sign
from app.rails.paypal_signatures import ALGORITHM, Transmission
from app.rails.razorpayx_wire import EVENT_HEADER
from bench.ground import Ground, goal, ground, pointed, say, table
from bench.webhook_server import CHAIN, ROOT, TABLE
from jobs.supervisor.plan import free_port

SENDERS = 8
NAME = "messageverificationcerts.sandbox.paypal.com"
CERT_URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"
SECRETS = {
    "PAYPAL_CLIENT_ID": "client", "PAYPAL_CLIENT_SECRET": "secret", "PAYPAL_WEBHOOK_ID": "WH4JH86294D6297924",
    "STRIPE_SECRET_KEY": "sk_test_" + "bench", "STRIPE_PAYOUTS_WEBHOOK_SECRET": "whsec_bench",
    "STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_other", "RAZORPAYX_KEY_ID": "rzp_test_" + "bench",
    "RAZORPAYX_KEY_SECRET": "secret", "RAZORPAYX_ACCOUNT_NUMBER": "2323230000000000",
    "RAZORPAYX_WEBHOOK_SECRET": "bench secret",
}  # fmt: skip
Call = tuple[str, bytes, dict[str, str]]


@dataclass(frozen=True)
class Certified:
    """PayPal's key for this run, the chain that certifies it and the root above."""

    key: rsa.RSAPrivateKey
    chain: bytes
    root: bytes


def _certified() -> Certified:
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
    root = _certificate("Root of the bench", keys[0], keys[0], ca=True)
    leaf = _certificate(NAME, keys[1], keys[0], ca=False)
    pem = serialization.Encoding.PEM
    return Certified(keys[1], leaf.public_bytes(pem), root.public_bytes(pem))


def _certificate(name: str, key: rsa.RSAPrivateKey, issuer: rsa.RSAPrivateKey, *, ca: bool) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    usage = dict.fromkeys(
        (
            "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
            "decipher_only",
        ),
        False,
    )  # fmt: skip
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(named(name)).issuer_name(named("Root of the bench"))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )  # fmt: skip
    if not ca:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return made.sign(issuer, hashes.SHA256())


def _paypal(certified: Certified, number: str) -> Call:
    item = {
        "recipient_type": "EMAIL", "receiver": "payee@example.test", "sender_item_id": f"{number:0>32}-a1",
        "amount": {"currency": "USD", "value": "12.50"}, "note": "Payout",
    }  # fmt: skip
    resource = {
        "transaction_id": number, "transaction_status": "SUCCESS", "payout_item_id": number, "payout_item": item,
        "payout_batch_id": "Q8B9WFS7ZZJ4Q", "time_processed": "2026-11-21T03:44:51Z",
        "links": [{"rel": "self", "method": "GET", "href": f"https://api.paypal.com/v1/payments/payouts-item/{number}"}],
    }  # fmt: skip
    told = {"id": f"WH-{number}", "event_type": "PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "resource": resource}
    body, at = json.dumps(told).encode(), datetime.now(UTC).isoformat(timespec="seconds")
    message = Transmission(number, at, "", ALGORITHM, CERT_URL, body).message(SECRETS["PAYPAL_WEBHOOK_ID"])
    signature = base64.b64encode(certified.key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
    headers = {
        "Paypal-Transmission-Id": number, "Paypal-Transmission-Time": at, "Paypal-Transmission-Sig": signature,
        "Paypal-Cert-Url": CERT_URL, "Paypal-Auth-Algo": ALGORITHM,
    }  # fmt: skip
    return "/api/webhooks/paypal-payouts", body, headers


def _stripe(_certified: Certified, number: str) -> Call:
    transfer = {
        "id": f"tr_{number}", "object": "transfer", "amount": 1250, "amount_reversed": 0, "currency": "usd",
        "destination": "acct_1PgafTB7WZ01zgkW", "metadata": {"attempt": f"{number:0>32}-a1"},
    }  # fmt: skip
    told = {"id": f"evt_{number}", "type": "transfer.created", "livemode": False, "data": {"object": transfer}}
    body = json.dumps(told).encode()
    return "/api/webhooks/stripe-payouts", body, {"Stripe-Signature": sign("whsec_bench", body)}


def _razorpayx(_certified: Certified, number: str) -> Call:
    payout = {
        "id": f"pout_{number}", "entity": "payout", "reference_id": f"{number:0>32}-a1", "status": "processed",
        "amount": 125000, "currency": "INR", "mode": "IMPS", "utr": "933815233814", "fees": 590, "tax": 90,
    }  # fmt: skip
    body = json.dumps({"event": "payout.processed", "payload": {"payout": {"entity": payout}}}).encode()
    signed = mac(SECRETS["RAZORPAYX_WEBHOOK_SECRET"], body)
    return "/api/webhooks/razorpayx", body, {"X-Razorpay-Signature": signed, EVENT_HEADER: f"evt_{number}"}


SOURCES: dict[str, Callable[[Certified, str], Call]] = {"PayPal": _paypal, "Stripe": _stripe, "RazorpayX": _razorpayx}


@contextmanager
def _server(what: str, log: Path) -> Iterator[int]:
    """The port it listens on."""
    port = free_port()
    words = (
        "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--blocking-threads", "2",
        "--no-ws", f"bench.webhook_server:{what}",
    )  # fmt: skip
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "granian", *words], stdout=out, stderr=out, cwd=Path(__file__).parents[1]
        )
        try:
            _until_up(child, port, log)
            yield port
        finally:
            child.terminate()
            child.wait(30)


def _until_up(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
            return
        except OSError:
            if child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"a server did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.1)


def _send(port: int, calls: Sequence[Call]) -> list[float]:
    """Seconds from the first byte sent to the last one received, of each call; eight senders, a connection each."""
    taken: list[float] = []
    faults: list[str] = []

    def sender(mine: Sequence[Call]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for path, body, headers in mine:
            start = time.perf_counter()
            connection.request("POST", path, body, {**headers, "Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            taken.append(time.perf_counter() - start)
            if answer.status != 200:
                faults.append(f"{answer.status} {said[:200]!r}")

    threads = [threading.Thread(target=sender, args=(calls[n::SENDERS],)) for n in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or len(taken) != len(calls):
        raise SystemExit(f"{len(taken)} of {len(calls)} answered; {faults[:2]}")
    return taken


def _percentiles(taken: Sequence[float]) -> tuple[float, float, float]:
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def _measured(place: Ground, certified: Certified, calls: int, rounds: int) -> dict[tuple[str, str], list[float]]:
    """Of each source and way the times of every round together."""
    taken: dict[tuple[str, str], list[float]] = {(source, way): [] for source in SOURCES for way in ("bare", "ours")}
    with _server("ours", place.folder / "ours.log") as ours, _server("bare", place.folder / "bare.log") as bare:
        ports = {"bare": bare, "ours": ours}
        for source, make in SOURCES.items():
            for way, port in ports.items():  # each worker has its connections and the certificate
                _send(port, [make(certified, f"{source}{way}w{n}") for n in range(10 * SENDERS)])
        for number in range(rounds):
            for source, make in SOURCES.items():
                for way, port in ports.items():
                    found = _send(port, [make(certified, f"{source}{way}{number}x{n}") for n in range(calls)])
                    taken[source, way] += found
                    p50, p95, p99 = (1000 * cut for cut in _percentiles(found))
                    say(f"  round {number + 1}: {source}, {way}: {p50:.1f} / {p95:.1f} / {p99:.1f} ms")
    return taken


def _stored(place: Ground, calls: int) -> None:
    """Everything answered is there, sealed, and promised to a job."""
    with place.superuser() as connection:
        row: Any = connection.execute(
            """SELECT count(*), count(body_sealed),
                (SELECT sum(jsonb_array_length(payload -> 'webhook_ids')) FROM outbox)
            FROM webhook_events"""
        ).fetchone()
    if set(row) != {calls}:
        raise SystemExit(f"{calls} events were answered, stored, sealed and promised were {row}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=1_200)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    certified = _certified()
    for name in (*SECRETS, CHAIN, ROOT):
        os.environ.setdefault(name, "")
    with ground(valkey=True) as place:
        files = {CHAIN: place.folder / "chain.pem", ROOT: place.folder / "root.pem"}
        files[CHAIN].write_bytes(certified.chain)
        files[ROOT].write_bytes(certified.root)
        with place.superuser() as connection:
            connection.execute(TABLE)
            connection.execute("GRANT ALL ON bare_events TO quittance")
        with pointed(**SECRETS, **{name: str(path) for name, path in files.items()}):
            taken = _measured(place, certified, chosen.calls, chosen.rounds)
        _stored(place, len(SOURCES) * (chosen.calls * chosen.rounds + 10 * SENDERS))
    cuts = {key: _percentiles(times) for key, times in taken.items()}
    table(
        f"Answer to a webhook, {SENDERS} senders at a time, milliseconds",
        ("source", "way", "p50", "p95", "p99", "ratio of p50"),
        [
            (source, way, *(f"{1000 * cut:.1f}" for cut in cut3), f"{cut3[0] / cuts[source, 'bare'][0]:.2f}")
            for (source, way), cut3 in cuts.items()
        ],
    )
    for source in SOURCES:
        p99 = 1000 * cuts[source, "ours"][2]
        print(goal(f"{source}: milliseconds to 200 in all but the slowest of a hundred", p99, most=100))


if __name__ == "__main__":
    main()
