"""The life of a contract: every move the machine allows, who may make it, and what stays as evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.contracts import queries, service, signing, templates
from app.contracts.rules import CODE_TRIES, Witness
from app.contracts.service import FiledForm
from app.contracts.signing import WrongCode
from app.contracts.states import TRANSITIONS, ContractStatus, SigningOrder, TemplateStatus
from app.core import clock
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Refusal
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.notify.models import Mail
from app.notify.service import full_context
from app.organizations.states import Role
from tests.factories import people
from tests.factories.contracts import DRAWN, FORM, VALUES, WITNESS, Desk, desk

pytestmark = pytest.mark.usefixtures("database_url")
S = ContractStatus


@pytest.fixture
def oxford(database_url: str) -> Desk:
    return desk()


def actions(desk_: Desk, contract_id: Any) -> list[str]:
    with unit_of_work(Scope.organization(desk_.organization_id)) as session:
        return [row.action for row in queries.evidence(session, contract_id)]


def test_from_draft_to_countersigned(oxford: Desk) -> None:
    contract_id = oxford.sent()
    assert "$" not in (oxford.get(contract_id).document_html or "")
    assert "£1,250.00" in (oxford.get(contract_id).document_html or "")
    with unit_of_work(Scope.payee(oxford.payee_id)) as session:
        signing.view(session, oxford.payee, contract_id, WITNESS)
    oxford.consent(contract_id)
    assert oxford.sign(contract_id, DRAWN).status is S.SIGNED
    assert oxford.countersign(contract_id).status is S.COUNTERSIGNED
    assert actions(oxford, contract_id) == ["drafted", "sent", "viewed", "consented", "signed", "countersigned"]
    with unit_of_work(Scope.organization(oxford.organization_id)) as session:
        rows = queries.evidence(session, contract_id)
        assert {(r.ip, r.user_agent, r.document_sha256) for r in rows} == {
            (WITNESS.ip, WITNESS.user_agent, oxford.get(contract_id).document_sha256)
        }
        kept = session.execute(
            text("SELECT detail ->> 'consent_text' FROM contract_evidence WHERE action = 'consented'")
        ).scalar_one()
    assert kept.startswith("I agree to read and sign")


def test_the_signing_order_is_kept(oxford: Desk) -> None:
    contract_id = oxford.draft(signing_order=SigningOrder.ORGANIZATION_FIRST)
    with pytest.raises(Conflict, match="signs this one first"):
        oxford.send(contract_id)
    assert oxford.countersign(contract_id).status is S.DRAFT
    with pytest.raises(Conflict):
        oxford.countersign(contract_id)
    oxford.send(contract_id)
    oxford.consent(contract_id)
    assert oxford.sign(contract_id).status is S.COUNTERSIGNED
    alone = oxford.sent(signing_order=SigningOrder.PAYEE_ONLY)
    oxford.consent(alone)
    assert oxford.sign(alone).status is S.COUNTERSIGNED
    first = oxford.sent()
    with pytest.raises(Conflict, match="turn"):
        oxford.countersign(first)


def test_nothing_is_signed_unread_or_without_consent(oxford: Desk) -> None:
    contract_id = oxford.sent()
    with pytest.raises(Conflict, match="Agree"):
        oxford.sign(contract_id)
    oxford.consent(contract_id)
    with pytest.raises(Invalid, match="to its end"):
        oxford.sign(contract_id, read_whole=False)
    with pytest.raises(Conflict, match="not this one"):
        oxford.sign(contract_id, document_sha256="0" * 64)
    oxford.sign(contract_id)
    with pytest.raises(Conflict):
        oxford.sign(contract_id)


def test_a_changed_template_changes_no_contract(oxford: Desk) -> None:
    contract_id = oxford.sent()
    before = oxford.get(contract_id)
    changed = FORM.__class__(FORM.name, FORM.title, "All new. {{rate}} {{fee}} {{note}}", FORM.fields)
    with unit_of_work(Scope.organization(oxford.organization_id)) as session:
        made = templates.edit(session, oxford.admin, oxford.organization_id, oxford.template_id, changed, version=1)
        assert made.version == 2
    with pytest.raises(Conflict), unit_of_work(Scope.organization(oxford.organization_id)) as session:
        templates.edit(session, oxford.admin, oxford.organization_id, oxford.template_id, changed, version=1)
    assert oxford.get(contract_id).document_html == before.document_html
    assert "All new" in (oxford.get(oxford.draft()).document_html or "")
    with unit_of_work(Scope.organization(oxford.organization_id)) as session:
        templates.set_status(session, oxford.admin, oxford.organization_id, oxford.template_id, TemplateStatus.ARCHIVED)
    with pytest.raises(Conflict, match="put away"):
        oxford.draft()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contract_evidence SET ip = '10.0.0.1'",
        "DELETE FROM contract_evidence",
        "UPDATE contract_signatures SET name = 'Somebody Else'",
        "DELETE FROM contract_signatures",
        "UPDATE contract_template_versions SET body = 'x'",
        "UPDATE contracts SET document_html = document_html || '<p>And more.</p>'",
        "UPDATE contracts SET field_values = '{}'",
        "DELETE FROM contracts",
    ],
)
def test_the_database_refuses_to_change_what_was_signed(
    oxford: Desk, superuser: psycopg.Connection[Any], statement: str
) -> None:
    """Even for who owns the tables and steps past every policy."""
    oxford.signed()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        superuser.execute(statement)


def test_the_code_from_the_mail(oxford: Desk) -> None:
    contract_id = oxford.sent(needs_code=True)
    oxford.consent(contract_id)
    with pytest.raises(Invalid, match="Enter the code"):
        oxford.sign(contract_id)
    with unit_of_work(Scope.payee(oxford.payee_id)) as session:
        signing.send_code(session, oxford.payee, contract_id, WITNESS)
    with unit_of_work(people.PLATFORM) as session:
        mail = session.query(Mail).filter(Mail.template == "contract_code").one()
        code = full_context(mail)["code"]
        assert mail.to_address == WITNESS.email and code not in str(mail.context)
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    def attempt(given: str) -> None:
        """As the page does: a wrong code is refused, and its try is kept."""
        with unit_of_work(Scope.payee(oxford.payee_id)) as session:
            try:
                signing.sign(
                    session, oxford.payee, contract_id, DRAWN, WITNESS, read_whole=True, code=given,
                    document_sha256=oxford.get(contract_id).document_sha256 or "",
                )  # fmt: skip
            except WrongCode:
                return
            assert given == code

    for _ in range(CODE_TRIES):
        attempt(wrong)
    attempt(code)  # too many tries before: even the right one is refused
    assert oxford.get(contract_id).status is S.CONSENTED
    with unit_of_work(Scope.payee(oxford.payee_id)) as session:
        signing.send_code(session, oxford.payee, contract_id, WITNESS)
    with unit_of_work(people.PLATFORM) as session:
        newest = session.query(Mail).filter(Mail.template == "contract_code").order_by(Mail.created_at.desc()).first()
        assert newest
        code = full_context(newest)["code"]
    attempt(code)
    assert oxford.get(contract_id).status is S.SIGNED
    assert actions(oxford, contract_id).count("code_refused") == CODE_TRIES


def test_what_is_over_cannot_be_signed(oxford: Desk) -> None:
    contract_id = oxford.sent(expires_days=1)
    oxford.consent(contract_id)
    with clock.at(utc_now() + timedelta(days=2)), pytest.raises(Gone):
        oxford.sign(contract_id)
    with unit_of_work(Scope.payee(oxford.payee_id)) as session:
        signing.decline(session, oxford.payee, contract_id, "The fee is not what we said.", WITNESS)
    assert oxford.get(contract_id).status is S.DECLINED
    with pytest.raises(Conflict):
        oxford.sign(contract_id)


def test_a_newer_contract_takes_the_place_of_an_open_one(oxford: Desk) -> None:
    old = oxford.sent()
    new = oxford.draft(replaces_id=old)
    assert oxford.get(old).status is S.SENT
    oxford.send(new)
    assert oxford.get(old).status is S.SUPERSEDED
    with pytest.raises(Invalid):
        oxford.draft(replaces_id=old)


def test_a_contract_signed_elsewhere(oxford: Desk) -> None:
    form = FiledForm("Frame agreement", today(), link_url="https://files.example.test/a.pdf")
    with unit_of_work(Scope.payee(oxford.payee_id)) as session:
        made = service.file(session, oxford.payee, oxford.organization_id, oxford.payee_id, form, WITNESS)
    assert made.status is S.ON_FILE and made.signed_on == today()
    for bad in (FiledForm("X", today()), FiledForm("", today(), link_url="https://x.example/a")):
        with pytest.raises(Invalid), unit_of_work(Scope.payee(oxford.payee_id)) as session:
            service.file(session, oxford.payee, oxford.organization_id, oxford.payee_id, bad, WITNESS)


def test_who_may_do_nothing(oxford: Desk) -> None:
    """Another organization, another payee, roles without the right: no way in, and drafts stay at home."""
    other = desk("cambridge", "kim@example.test")
    draft, sent = oxford.draft(), oxford.sent()
    support = people.member(oxford.organization_id, Role.SUPPORT)
    manager = people.member(oxford.organization_id, Role.MANAGER)
    own, theirs = Scope.organization(oxford.organization_id), Scope.organization(other.organization_id)
    payee, stranger = Scope.payee(oxford.payee_id), Scope.payee(other.payee_id)
    tries: list[tuple[Scope, type[Refusal], Callable[[Any], object]]] = [
        (own, Forbidden, lambda s: service.send(s, support, draft, WITNESS)),
        (own, Forbidden, lambda s: service.send(s, oxford.payee, draft, WITNESS)),
        (own, Forbidden, lambda s: signing.countersign(s, manager, draft, DRAWN, WITNESS, document_sha256="")),
        (own, Forbidden, lambda s: signing.decline(s, oxford.admin, sent, "because", WITNESS)),
        (theirs, NotFound, lambda s: service.void(s, other.admin, sent, "because", WITNESS)),
        (stranger, NotFound, lambda s: signing.consent(s, other.payee, sent, WITNESS)),
        (people.PLATFORM, NotFound, lambda s: signing.consent(s, other.payee, sent, WITNESS)),
        (payee, NotFound, lambda s: signing.consent(s, oxford.payee, draft, WITNESS)),
        (payee, NotFound, lambda s: queries.detail(s, draft, payee_id=oxford.payee_id)),
        (theirs, Forbidden, lambda s: templates.add(s, oxford.admin, other.organization_id, FORM)),
    ]
    for scope, refusal, attempt in tries:
        with pytest.raises(refusal), unit_of_work(scope) as session:
            attempt(session)
    with unit_of_work(Scope.payee(oxford.payee_id)) as session:
        assert [row.id for row in queries.of_payee(session, oxford.payee_id).items] == [sent]


MOVES: dict[str, Callable[[Desk, Any], object]] = {
    "send": lambda d, c: d.send(c),
    "consent": lambda d, c: d.consent(c),
    "sign": lambda d, c: d.sign(c),
    "countersign": lambda d, c: d.countersign(c),
    "void": lambda d, c: _org(d, lambda s: service.void(s, d.admin, c, "no longer", Witness())),
    "decline": lambda d, c: _payee(d, lambda s: signing.decline(s, d.payee, c, "no thanks", Witness())),
}


def _org(d: Desk, act: Callable[[Any], object]) -> None:
    with unit_of_work(Scope.organization(d.organization_id)) as session:
        act(session)


def _payee(d: Desk, act: Callable[[Any], object]) -> None:
    with unit_of_work(Scope.payee(d.payee_id)) as session:
        act(session)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(MOVES)), max_size=7), st.sampled_from(list(SigningOrder)))
def test_any_order_of_moves_keeps_to_the_machine(oxford: Desk, moves: list[str], order: SigningOrder) -> None:
    """Whatever people try: each step is one the table allows, every change is in the evidence, the text stays."""
    contract_id = oxford.draft(signing_order=order, values=VALUES)
    text_before = oxford.get(contract_id).document_html
    for name in moves:
        before, lines = oxford.get(contract_id), len(actions(oxford, contract_id))
        try:
            MOVES[name](oxford, contract_id)
        except Refusal:
            assert oxford.get(contract_id).status is before.status
            assert len(actions(oxford, contract_id)) == lines
            continue
        after = oxford.get(contract_id).status
        via = {after} if after in TRANSITIONS[before.status] else TRANSITIONS[before.status]
        assert after is before.status or any(after is step or after in TRANSITIONS[step] for step in via)
        if after is not before.status:
            assert len(actions(oxford, contract_id)) > lines
    done = oxford.get(contract_id)
    assert done.document_html == text_before
    if done.status is S.COUNTERSIGNED:
        with unit_of_work(people.PLATFORM) as session:
            signed = set(service.signed_parties(session, contract_id))
        assert signed == set(order.parties)
