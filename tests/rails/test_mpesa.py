"""M-Pesa: against the simulator that answers as Daraja, its specification, its real results."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.core.clock import utc_now
from app.core.money import Money
from app.rails import access, mpesa_codes
from app.rails.access import Mode, Standing
from app.rails.base import (
    BALANCE,
    BadSignature,
    Blame,
    Delivery,
    Outcome,
    Rail,
    RailEvent,
    RailRejected,
    RailUnavailable,
    SendOrder,
)
from app.rails.http import Reply
from app.rails.mpesa import Mpesa, _mac
from app.rails.mpesa_results import balance_told
from tests.fakes import prism
from tests.fakes.simulator import SimulatorPeer, wait_until
from tests.rails.contract import MakeOrder, RailContract, assert_refusal
from tests.stores import environment

SPECS = Path(os.environ.get("QUITTANCE_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs") / "mpesa"
needs_specs = pytest.mark.skipif(not SPECS.exists(), reason="NO SPECS of M-Pesa: neither in $QUITTANCE_SPECS nor there")


class Callbacks:
    """What the provider calls back, read by the rail as our endpoint would."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                calls.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def deliveries(self, kind: str) -> list[Delivery]:
        found = [(path.removeprefix("/api/webhooks/mpesa-b2c/"), body) for path, body in list(self.calls)]
        return [Delivery({}, body, path) for path, body in found if f"/{kind}/" in f"/{path}"]


@pytest.fixture
def callbacks() -> Iterator[Callbacks]:
    made = Callbacks()
    yield made
    made.close()


@pytest.fixture
def mpesa(simulator: SimulatorPeer, callbacks: Callbacks) -> Iterator[Mpesa]:
    with environment(SIMULATOR_URL=simulator.url, BASE_URL=callbacks.url):
        yield Mpesa()


def events(rail: Rail, callbacks: Callbacks, kind: str) -> list[RailEvent]:
    return [event for delivery in callbacks.deliveries(kind) for event in rail.parse_event(delivery)]


def _order(rail: Rail, phone: str = "0712345678", minor: int = 250_00) -> SendOrder:
    payout = uuid4()
    amount = Money(minor, "KES")
    return SendOrder(f"{payout.hex}-a1", payout, amount, "Ann Otieno", rail.validate({"phone": phone}), "Q-1")


class TestContract(RailContract):
    currency = "KES"

    @pytest.fixture
    def rail(self, mpesa: Mpesa) -> Rail:
        return mpesa

    @pytest.fixture
    def good(self) -> dict[str, str]:
        return {"phone": "0712 345 678"}

    @pytest.fixture(params=["0203 123456", "+44 7700 900123", "071234", "hello there"])
    def bad(self, request: pytest.FixtureRequest) -> tuple[dict[str, str], str]:
        return {"phone": request.param}, "phone"

    @pytest.fixture
    def order(self, rail: Rail) -> MakeOrder:
        return lambda minor=123_00: _order(rail, minor=minor - minor % 100 + 10_00)

    def test_what_was_sent_is_found_and_what_was_not_is_not(self, rail: Rail, order: MakeOrder) -> None:
        """Without an acknowledgement the same call asks; with one its status is asked, and told later."""
        one = order()
        assert rail.find(one.key) is None
        (sent,) = rail.send([one])
        found = rail.find(one.key, sent.reference)
        assert found is not None and found.outcome is Outcome.ASKED

    def test_the_same_order_again_is_the_same_instruction(
        self, rail: Rail, order: MakeOrder, simulator: SimulatorPeer
    ) -> None:
        one = order()
        assert {result.outcome for _ in range(3) for result in rail.send([one])} == {Outcome.ACCEPTED}
        assert len(simulator.summary_of("mpesa")["instructions"]) == 1


def test_a_success_is_believed_after_its_status_was_asked(mpesa: Mpesa, callbacks: Callbacks) -> None:
    order = _order(mpesa)
    (sent,) = mpesa.send([order])
    wait_until(lambda: callbacks.deliveries("result"))
    (told,) = events(mpesa, callbacks, "result")
    assert told.look_up and told.result is not None and told.result.key == order.key
    asked = mpesa.find(order.key, sent.reference)
    assert asked is not None and asked.outcome is Outcome.ASKED
    wait_until(lambda: callbacks.deliveries("status"))
    (confirmed,) = events(mpesa, callbacks, "status")
    assert not confirmed.look_up and confirmed.result is not None
    assert (confirmed.result.key, confirmed.result.outcome) == (order.key, Outcome.PAID)


@pytest.mark.parametrize(
    ("ending", "blame"), [("0000", Blame.PAYEE), ("0006", Blame.PAYER), ("0007", Blame.RETRY), ("0004", Blame.PAYEE)]
)
def test_a_failure_says_who_can_mend_it(mpesa: Mpesa, callbacks: Callbacks, ending: str, blame: Blame) -> None:
    order = _order(mpesa, f"071234{ending}")
    (sent,) = mpesa.send([order])
    if ending == "0004":  # refused at once: nothing is told, the status is asked
        mpesa.find(order.key, sent.reference)
        wait_until(lambda: callbacks.deliveries("status"))
        (told,) = events(mpesa, callbacks, "status")
    else:
        wait_until(lambda: callbacks.deliveries("result"))
        (told,) = events(mpesa, callbacks, "result")
    assert told.result is not None and told.result.outcome is Outcome.FAILED
    assert_refusal(told.result.blame, told.result.message, told.result.cure, blame)


@pytest.mark.parametrize("fault", ["lose_replies", "refuse_500"])
def test_whatever_becomes_of_the_answer_there_is_one_instruction(
    mpesa: Mpesa, simulator: SimulatorPeer, fault: str
) -> None:
    order = _order(mpesa)
    mpesa.send([_order(mpesa)])  # the token is there
    simulator.faults_of("mpesa", **{fault: 1})
    with pytest.raises(RailUnavailable):
        mpesa.send([order])
    assert mpesa.send([order])[0].outcome is Outcome.ACCEPTED
    assert len(simulator.summary_of("mpesa")["instructions"]) == 2


def test_an_address_belongs_to_one_attempt_one_kind_and_one_amount(mpesa: Mpesa, callbacks: Callbacks) -> None:
    mpesa.send([_order(mpesa)])
    wait_until(lambda: callbacks.deliveries("result"))
    (good,) = callbacks.deliveries("result")
    key, kind, amount, mac = good.path.split("/")
    for path in (
        f"{key}/{kind}/{amount}/{'0' * 40}",
        f"{key[:-1]}2/{kind}/{amount}/{mac}",
        f"{key}/status/{amount}/{mac}",
        f"{key}/{kind}/9{amount}/{mac}",
        "",
        "x",
    ):
        with pytest.raises(BadSignature):
            mpesa.parse_event(Delivery({}, good.body, path))
    other = json.loads(good.body)
    other["Result"]["ResultParameters"]["ResultParameter"][0]["Value"] = 1
    (event,) = mpesa.parse_event(Delivery({}, json.dumps(other).encode(), good.path))
    assert event.result is None and event.about == "another amount"  # kept for people, moves nothing


def test_only_listed_addresses_are_heard(mpesa: Mpesa, callbacks: Callbacks) -> None:
    mpesa.send([_order(mpesa)])
    wait_until(lambda: callbacks.deliveries("result"))
    (good,) = callbacks.deliveries("result")
    with environment(MPESA_CALLBACK_ADDRESSES="196.201.214.200, 196.201.214.206"):
        with pytest.raises(BadSignature):
            mpesa.parse_event(good)
        assert mpesa.parse_event(Delivery({}, good.body, good.path, "196.201.214.206"))


@needs_specs
@pytest.mark.parametrize("path", sorted((SPECS / "callbacks").glob("b2c-result*.json")), ids=lambda path: path.stem)
def test_real_results(mpesa: Mpesa, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.loads(path.read_text())
    key, code = "k-a1", str(body["Result"]["ResultCode"])
    amount = "10"
    (event,) = mpesa.parse_event(
        Delivery({}, json.dumps(body).encode(), f"{key}/result/{amount}/{_mac(key, 'result', amount)}")
    )
    assert event.result is not None
    if code == "0":
        assert event.look_up
    else:
        assert event.result.outcome is Outcome.FAILED and event.result.code == code
    assert "JOHN" not in repr(event)  # names stay out of what is kept


def test_what_our_accounts_hold_is_told_at_an_address_of_its_own(mpesa: Mpesa, callbacks: Callbacks) -> None:
    mpesa.send([_order(mpesa, minor=250_00)])
    wait_until(lambda: callbacks.deliveries("result"))
    began = utc_now()
    mpesa.ask_balance()
    wait_until(lambda: callbacks.deliveries("balance"))
    (told,) = events(mpesa, callbacks, "balance")
    assert (told.about, told.result, told.evidence["KES"]) == (BALANCE, None, "-25000")
    assert abs(datetime.fromisoformat(told.evidence["at"]) - began) < timedelta(minutes=1)
    (delivery,) = callbacks.deliveries("balance")
    with pytest.raises(BadSignature):
        mpesa.parse_event(replace(delivery, path=delivery.path.replace("/balance/", "/result/")))
    for body in (b"{}", b"[]", b"no JSON", b'{"Result": {"ResultCode": 15}}'):
        (untold,) = mpesa.parse_event(replace(delivery, body=body))
        assert untold.about != BALANCE and untold.result is None and not untold.look_up


@needs_specs
def test_a_real_balance() -> None:
    told = balance_told("e", (SPECS / "callbacks" / "account-balance-result.json").read_bytes())
    assert told.about == BALANCE
    assert told.evidence == {"KES": str(928_037_00), "at": "2020-01-09T12:57:10+03:00"}


@needs_specs
def test_every_code_has_its_class() -> None:
    known = json.loads((SPECS / "codes.json").read_text())
    classes = {
        "permanent": Blame.PERMANENT, "retry_new_key": Blame.RETRY, "payee_fix": Blame.PAYEE, "payer_fix": Blame.PAYER
    }  # fmt: skip
    for code, name in known["result_codes"].items():
        if name != "done":
            assert mpesa_codes.failed("k", "", code).blame is classes[name], code


class Scripted:
    """A client that answers as told: how the rail takes each HTTP error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.body = status, {"errorCode": code, "errorMessage": message}
        self.calls = 0

    def get(self, *_: Any, **__: Any) -> Any:
        return Reply(200, {"access_token": "t", "expires_in": 3599}, {})

    def post(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        return Reply(self.status, self.body, {})


@needs_specs
def test_every_http_error_has_its_class(mpesa: Mpesa, monkeypatch: pytest.MonkeyPatch) -> None:
    known = json.loads((SPECS / "codes.json").read_text())["http_error_codes"]
    for name, wanted in known.items():
        code, _, message = name.partition(" ")
        client = Scripted(int(code[:3]), code, message or "x")
        monkeypatch.setattr(mpesa, "_http", lambda client=client: client)
        order = _order(mpesa)
        if wanted == "payer_fix":
            (result,) = mpesa.send([order])
            assert (result.outcome, result.blame) == (Outcome.FAILED, Blame.PAYER), name
        elif wanted == "permanent":
            with pytest.raises(RailRejected):
                mpesa.send([order])
        elif "Duplicate" in name:
            assert mpesa.send([order])[0].outcome is Outcome.ACCEPTED, name
        else:
            with pytest.raises(RailUnavailable):
                mpesa.send([order])
        if code in ("401.002.01", "400.003.01"):
            assert client.calls == 2, "with a new token, once more"


@pytest.mark.parametrize("code", ["500.003.1001", "400.002.05"])
def test_a_refused_resend_says_nothing_about_the_first_call(
    mpesa: Mpesa, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Scripted(400, code, "Bad Request")
    monkeypatch.setattr(mpesa, "_http", lambda: client)
    with pytest.raises(RailUnavailable):
        mpesa.send([replace(_order(mpesa), again=True)])


def test_a_code_nobody_knows_is_asked_about(mpesa: Mpesa) -> None:
    key, amount = "k-a1", "10"
    body = {
        "Result": {"ResultCode": 9999, "ResultDesc": "New", "ConversationID": "AG_1", "OriginatorConversationID": key}
    }
    path = f"{key}/result/{amount}/{_mac(key, 'result', amount)}"
    (event,) = mpesa.parse_event(Delivery({}, json.dumps(body).encode(), path))
    assert event.look_up and event.result is not None and event.result.outcome is Outcome.ACCEPTED


def test_the_password_is_for_safaricoms_eyes(mpesa: Mpesa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "safaricom.pem"
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    file.write_bytes(public)
    monkeypatch.setattr("app.rails.mpesa.standing", lambda _rail: Standing(Mode.SANDBOX, "https://sandbox"))
    values = {"MPESA_INITIATOR_PASSWORD": "Safe!123", "MPESA_CERTIFICATE_FILE": str(file)}
    monkeypatch.setattr(mpesa, "_value", values.__getitem__)
    sealed = base64.b64decode(mpesa._security())
    assert key.decrypt(sealed, padding.PKCS1v15()) == b"Safe!123"
    file.write_text("no key")
    with pytest.raises(RailUnavailable, match="MPESA_CERTIFICATE_FILE"):
        mpesa._security()


@needs_specs
def test_requests_are_what_the_specification_allows(tmp_path: Path, callbacks: Callbacks) -> None:
    spec = SPECS / "daraja.openapi.json"
    prism.needed(spec)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "safaricom.pem"
    file.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    with (
        prism.serving(spec, tmp_path / "log") as url,
        environment(
            MPESA_URL=url, MPESA_CONSUMER_KEY="k", MPESA_CONSUMER_SECRET="s", MPESA_SHORT_CODE="600000",
            MPESA_INITIATOR_NAME="api", MPESA_INITIATOR_PASSWORD="p", MPESA_CERTIFICATE_FILE=str(file),
            BASE_URL=callbacks.url,
        ),
    ):  # fmt: skip
        rail = Mpesa()
        assert access.standing(rail).mode is Mode.SANDBOX
        order = _order(rail)
        (sent,) = rail.send([order])
        assert sent.outcome is Outcome.ACCEPTED and sent.reference
        asked = rail.find(order.key, sent.reference)
        assert asked is not None and asked.outcome is Outcome.ASKED
        rail.ask_balance()
