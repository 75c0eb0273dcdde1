"""A payee reads and signs, without JavaScript; wrong input loses nothing; nobody else gets in."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from app.contracts.states import ContractStatus
from app.core.clock import today
from app.db.session import unit_of_work
from app.identity.states import Portal
from app.notify.models import Mail
from app.notify.service import full_context
from jobs import contracts
from tests.factories import people
from tests.factories.contracts import DRAWN, Desk, desk
from tests.factories.organizations import organization
from tests.factories.payees import vendor
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
S = ContractStatus


@pytest.fixture
def oxford(app: Any) -> Desk:
    return desk()


@pytest.fixture
def jo(oxford: Desk, sign_in: SignIn) -> Browser:
    return sign_in(Portal.CREATOR, "jo@example.test")


def test_read_agree_sign_and_keep(oxford: Desk, jo: Browser) -> None:
    contract_id = oxford.sent()
    assert "Agreement with Jo Bell" in jo.get("/creator/contracts").text
    url = f"/creator/contracts/{contract_id}"
    read = jo.get(url).text
    assert "<h2>Scope</h2>" in read and "£1,250.00" in read and "I agree to read and sign" in read
    assert oxford.get(contract_id).status is S.VIEWED
    assert jo.post(f"{url}/consent").status_code == 303
    form = jo.get(url).text
    found = re.search(r'name="document" type="hidden" value="([0-9a-f]{64})"', form)
    assert found and found[1] == oxford.get(contract_id).document_sha256
    sent = {"name": "Jo Bell", "document": found[1]}
    missed = jo.post(f"{url}/signature", sent)
    assert missed.status_code == 422 and "read the contract to its end" in missed.text
    assert 'value="Jo Bell"' in missed.text and oxford.get(contract_id).status is S.CONSENTED
    assert jo.post(f"{url}/signature", {**sent, "read_whole": "y"}).status_code == 303
    assert oxford.get(contract_id).status is S.SIGNED
    oxford.countersign(contract_id)
    contracts.seal(str(contract_id))
    done = jo.get(f"{url}/file")
    assert done.data.startswith(b"%PDF-") and "attachment" in done.headers["Content-Disposition"]
    assert "192.0.2.7" in jo.get(url).text  # the evidence


def test_a_drawing_arrives_and_nonsense_comes_back(oxford: Desk, jo: Browser) -> None:
    contract_id = oxford.sent()
    oxford.consent(contract_id)
    url = f"/creator/contracts/{contract_id}/signature"
    sent = {"name": "Jo", "document": oxford.get(contract_id).document_sha256, "read_whole": "y"}
    for strokes in ("{", "[[[1,2]]]", '[["a"]]', "5"):
        answer = jo.post(url, {**sent, "strokes": strokes})
        assert answer.status_code == 422, strokes
    for other in ("0" * 64, "é" * 64):
        assert jo.post(url, {**sent, "document": other}).status_code == 409
    drawn = json.dumps([[list(point) for point in stroke] for stroke in DRAWN.strokes])
    assert jo.post(url, {**sent, "strokes": drawn}).status_code == 303
    assert '<path d="M20 60L40 90' in jo.get(f"/creator/contracts/{contract_id}").text


def test_the_code(oxford: Desk, jo: Browser) -> None:
    contract_id = oxford.sent(needs_code=True)
    oxford.consent(contract_id)
    url = f"/creator/contracts/{contract_id}"
    page = jo.get(url).text
    form = page[page.index('id="sign-form"') :].split("</form>")[0]
    submits = re.findall(r'<button [^>]*type="submit"[^>]*>', form)
    assert ['form="code-form"' in button for button in submits] == [True, False]  # Enter in the form signs
    assert 0 < form.find("Send me a code") < form.find('class="signpad"')
    assert jo.post(f"{url}/code").status_code == 303
    with unit_of_work(people.PLATFORM) as session:
        code = full_context(session.query(Mail).filter(Mail.template == "contract_code").one())["code"]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    sent = {"name": "Jo Bell", "document": oxford.get(contract_id).document_sha256, "read_whole": "y"}
    for _ in range(5):
        answer = jo.post(f"{url}/signature", {**sent, "code": wrong})
        assert answer.status_code == 422 and "not the code" in answer.text
    answer = jo.post(f"{url}/signature", {**sent, "code": code})
    assert answer.status_code == 422 and "not valid any more" in answer.text  # each wrong one counted


def test_asking_for_the_code_leaves_the_form_alone(oxford: Desk, jo: Browser) -> None:
    contract_id = oxford.sent(needs_code=True)
    oxford.consent(contract_id)
    url = f"/creator/contracts/{contract_id}/code"
    for _ in range(3):
        answer = jo.htmx("POST", url)
        assert answer.status_code == 200 and "HX-Redirect" not in answer.headers
        assert answer.headers["HX-Reswap"] == "none" and 'hx-target="#sign-code"' in answer.text
        assert "jo@example.test" in answer.text and "data-focus" in answer.text
        assert "signpad" not in answer.text and "strokes" not in answer.text
    refused = jo.htmx("POST", url)
    assert refused.status_code == 409 and "Wait ten minutes" in refused.text and "signpad" not in refused.text


def test_decline(oxford: Desk, jo: Browser) -> None:
    contract_id = oxford.sent()
    url = f"/creator/contracts/{contract_id}/refusal"
    assert jo.post(url, {"reason": " "}).status_code == 422
    assert jo.post(url, {"reason": "The fee is not what we said."}).status_code == 303
    assert "The fee is not what we said." in jo.get(f"/creator/contracts/{contract_id}").text
    assert jo.post(f"/creator/contracts/{contract_id}/consent").status_code == 409


def test_drafts_and_other_people_s_contracts_are_not_there(oxford: Desk, sign_in: SignIn) -> None:
    draft, sent = oxford.draft(), oxford.sent()
    desk("cambridge", "kim@example.test")
    jo, kim = sign_in(Portal.CREATOR, "jo@example.test"), sign_in(Portal.CREATOR, "kim@example.test")
    assert jo.get(f"/creator/contracts/{draft}").status_code == 404
    assert str(draft) not in jo.get("/creator/contracts").text
    for part in ("", "/file", "/refusal"):
        assert kim.get(f"/creator/contracts/{sent}{part}").status_code == 404
    for part in ("/consent", "/code", "/signature"):
        assert kim.post(f"/creator/contracts/{sent}{part}").status_code == 404
    assert oxford.get(sent).status is S.SENT


def test_a_vendor_puts_a_contract_on_file(app: Any, sign_in: SignIn) -> None:
    payee_id = vendor(organization("oxford"))
    people.payee(payee_id, "vera@example.test", Portal.VENDOR)
    vera = sign_in(Portal.VENDOR, "vera@example.test")
    sent = {"title": "Frame agreement", "signed_on": today().isoformat(), "organization": "oxford"}
    assert vera.get("/vendor/contracts/new").status_code == 200
    empty = vera.post("/vendor/contracts/new", sent)
    assert empty.status_code == 422 and 'value="Frame agreement"' in empty.text
    assert vera.post("/vendor/contracts/new", {**sent, "link_url": "javascript:alert(1)"}).status_code == 422
    future = vera.post("/vendor/contracts/new", {**sent, "signed_on": "2999-01-01", "link_url": "https://x.test/a"})
    assert future.status_code == 422
    file = {"files": (io.BytesIO(b"%PDF-1.7\n%%EOF"), "frame.pdf")}
    made = vera.post("/vendor/contracts/new", {**sent, **file}, content_type="multipart/form-data")
    assert made.status_code == 303
    assert "On file" in vera.get(made.location).text
    assert vera.get(f"{made.location}/file").data.startswith(b"%PDF-")
    linked = vera.post("/vendor/contracts/new", {**sent, "link_url": "https://files.example.test/a"})
    assert 'href="https://files.example.test/a"' in vera.get(linked.location).text
