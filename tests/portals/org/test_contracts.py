"""The organization writes a template, drafts, sends, takes back, signs; roles without the right do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.contracts.states import ContractStatus, SigningOrder
from app.identity.states import Portal
from app.organizations.states import Role
from jobs import contracts
from tests.factories import people
from tests.factories.contracts import VALUES, Desk, desk
from tests.portals.conftest import Browser

SignIn = Callable[[Portal, str], Browser]
S = ContractStatus
EDITOR = {
    "name": "House rules", "title": "Rules for {{payee}}", "body": "# One\n\n{{rate}} <script>x</script>",
    "fields-0-name": "rate", "fields-0-label": "Rate", "fields-0-type": "percent", "fields-0-required": "y",
}  # fmt: skip


@pytest.fixture
def oxford(app: Any) -> Desk:
    return desk()


@pytest.fixture
def ada(oxford: Desk, sign_in: SignIn) -> Browser:
    return sign_in(Portal.ORG, "ada@oxford.test")


def test_a_template_is_looked_at_kept_and_changed(ada: Browser) -> None:
    url = "/org/oxford/contract-templates"
    wrong = ada.post(f"{url}/new", {**EDITOR, "body": "{{nothing}}"})
    assert wrong.status_code == 422 and "names a field “nothing”" in wrong.text and "House rules" in wrong.text
    seen = ada.post(f"{url}/new", {**EDITOR, "send": "preview"})
    assert "<h2>One</h2>" in seen.text and "[Rate]" in seen.text and "<script>x" not in seen.text
    assert "House rules" not in ada.get(url).text
    assert ada.post(f"{url}/new", EDITOR).status_code == 303
    listed = ada.get(url).text
    assert "House rules" in listed
    template = next(p for p in listed.split('"') if p.startswith(f"{url}/") and "new" not in p and "status" not in p
                    and "House rules" in ada.get(p).text)  # fmt: skip
    changed = ada.post(template, {**EDITOR, "body": "New. {{rate}}", "version": "1"})
    assert changed.status_code == 303 and "Version 2" in ada.get(template).text
    stale = ada.post(template, {**EDITOR, "body": "Other. {{rate}}", "version": "1"})
    assert stale.status_code == 422 and "Somebody else changed" in stale.text
    assert ada.post(f"{template}/status", {"to": "archived"}).status_code == 303
    assert "Put away" in ada.get(url).text


def drafted(ada: Browser, oxford: Desk, **more: str) -> str:
    url = f"/org/oxford/payees/{oxford.payee_id}/contracts/from/{oxford.template_id}"
    assert ada.get(url).status_code == 200
    sent = {f"field_{name}": value for name, value in VALUES.items()}
    sent |= {"signing_order": "payee_first", "expires_days": "14", "replaces": "", **more}
    wrong = ada.post(url, {**sent, "field_fee": "lots"})
    assert wrong.status_code == 422 and "Write an amount" in wrong.text and 'value="lots"' in wrong.text
    seen = ada.post(url, {**sent, "send": "preview"})
    assert seen.status_code == 200 and "£1,250.00" in seen.text
    made = ada.post(url, sent)
    assert made.status_code == 303
    return made.location


def test_from_draft_to_sealed(ada: Browser, oxford: Desk) -> None:
    assert str(oxford.payee_id) in ada.get("/org/oxford/contracts/new").text
    assert str(oxford.template_id) in ada.get(f"/org/oxford/contracts/new?payee={oxford.payee_id}").text
    url = drafted(ada, oxford)
    contract_id = UUID(url.rsplit("/", 1)[1])
    assert ada.post(f"{url}/reminder").status_code == 409
    assert ada.post(f"{url}/dispatch").status_code == 303
    assert ada.post(f"{url}/dispatch").status_code == 409
    oxford.consent(contract_id)
    oxford.sign(contract_id)
    assert "Sign for Oxford" in ada.get(url).text
    digest = oxford.get(contract_id).document_sha256
    assert ada.get(f"{url}/countersignature").status_code == 200
    assert ada.post(f"{url}/countersignature", {"name": "", "document": digest}).status_code == 422
    assert ada.post(f"{url}/countersignature", {"name": "Ada Min", "document": digest}).status_code == 303
    contracts.seal(str(contract_id))
    assert ada.get(f"{url}/file").data.startswith(b"%PDF-")
    assert "Signed by the organization" in ada.get(url).text
    assert "CT-00001" in ada.get("/org/oxford/contracts?status=sealed").text
    assert "CT-00001" not in ada.get("/org/oxford/contracts?status=sent").text


def test_take_back(ada: Browser, oxford: Desk) -> None:
    contract_id = oxford.sent()
    url = f"/org/oxford/contracts/{contract_id}"
    assert ada.post(f"{url}/void", {"reason": ""}).status_code == 422
    assert ada.post(f"{url}/void", {"reason": "Wrong fee"}).status_code == 303
    assert oxford.get(contract_id).status is S.VOIDED


def test_put_on_file(ada: Browser, oxford: Desk) -> None:
    url = f"/org/oxford/payees/{oxford.payee_id}/contracts/file"
    assert ada.get(url).status_code == 200
    sent = {"title": "Frame", "signed_on": "2026-01-31", "link_url": "https://files.example.test/x"}
    assert ada.post(url, {**sent, "link_url": ""}).status_code == 422
    assert "On file" in ada.get(ada.post(url, sent).location).text


def test_who_may_not(oxford: Desk, sign_in: SignIn) -> None:
    """Support reads, managers send but do not sign, learners see nothing, strangers find nothing."""
    contract_id = oxford.draft(signing_order=SigningOrder.ORGANIZATION_FIRST)
    url = f"/org/oxford/contracts/{contract_id}"
    for role in (Role.SUPPORT, Role.MANAGER, Role.LEARNER):
        people.member(oxford.organization_id, role, f"{role.label.lower()}@oxford.test")
    support, manager, learner = (
        sign_in(Portal.ORG, f"{name}@oxford.test") for name in ("support", "manager", "learner")
    )
    assert support.get(url).status_code == 200 and "Take back" not in support.get(url).text
    assert support.post(f"{url}/void", {"reason": "because"}).status_code == 403
    assert support.post("/org/oxford/contract-templates/new", EDITOR).status_code == 403
    assert support.post(f"/org/oxford/contract-templates/{oxford.template_id}", EDITOR).status_code == 403
    assert manager.post(f"{url}/countersignature", {"name": "Max"}).status_code == 403
    assert learner.get(url).status_code == 403
    desk("cambridge", "kim@example.test")
    assert sign_in(Portal.ORG, "ada@cambridge.test").get(f"/org/cambridge/contracts/{contract_id}").status_code == 404
