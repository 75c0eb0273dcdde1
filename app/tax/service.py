"""Signing a Form W-9. The number is sealed at once; nothing here returns it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import blind_index, seal
from app.core.errors import Forbidden, Invalid
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import SealedText, new_id
from app.tax import rules, wording
from app.tax.models import W9
from app.tax.states import Classification, TinKind

_TEXTS = (
    "first_name", "middle_name", "last_name", "suffix", "entity_name", "business_name", "other_classification",
    "exempt_payee_code", "fatca_code", "street", "city", "state", "zip_code",
)  # fmt: skip
_PERSON = frozenset({"first_name", "middle_name", "last_name", "suffix"})


def sign_w9(
    session: ScopedSession,
    actor: Actor,
    payee_id: UUID,
    *,
    classification: Classification,
    tin_kind: TinKind,
    tin: str,
    values: Mapping[str, str],
    backup_withholding: bool,
    certified: bool,
    signed_name: str,
    user_agent: str = "",
) -> W9:
    """Record a signed form as the next version; earlier ones stay. `values`: the other lines, by column name.

    Raises Forbidden for anybody but the payee, Invalid naming each bad field.
    """
    actor.require(Permission.METHOD_OWN)
    if actor.payee_id != payee_id or actor.account_id is None:
        raise Forbidden("Only the payee signs their tax form.")
    wrong = rules.faults({**values, "signed_name": signed_name}, classification, tin_kind)
    digits = rules.normal_tin(tin_kind, tin)
    if digits is None:
        wrong["tin"] = f"This is no {tin_kind.value.upper()}. Look at the nine digits again."
    if not certified:
        wrong["certified"] = "Tick this to sign under penalties of perjury."
    if wrong or digits is None:
        raise Invalid("Some lines of the form need another look.", fields=wrong)
    locks.hold(session, "tax form of", payee_id)
    before = session.scalar(select(func.max(W9.version)).where(W9.payee_id == payee_id)) or 0
    made = W9(
        id=(form_id := new_id()),
        payee_id=payee_id,
        version=before + 1,
        classification=classification,
        tin_kind=tin_kind,
        tin_sealed=SealedText(seal(digits, seal_context(form_id))),
        tin_index=blind_index(f"{'ein' if tin_kind is TinKind.EIN else 'person'}:{digits}", "tax number"),
        tin_last4=digits[-4:],
        backup_withholding=backup_withholding,
        certified_text_sha256=wording.sha256(backup_withholding=backup_withholding),
        signed_name=signed_name.strip(),
        signed_by_account_id=actor.account_id,
        signed_at=utc_now(),
        signed_ip=actor.ip,
        signed_user_agent=user_agent[:300] or None,
        **_lines(values, classification),
    )
    session.add(made)
    session.flush()
    audit.record(
        session, actor, "tax_form.signed", "w9", made.id, payee_id=payee_id, version=made.version, last4=made.tin_last4
    )
    return made


def seal_context(form_id: UUID) -> str:
    """What a sealed number is bound to: it opens in its own row only."""
    return f"w9_forms.tin:{form_id}"


def _lines(values: Mapping[str, str], classification: Classification) -> dict[str, str | None]:
    """Empty lines are null, and what the classification leaves no place for is not kept."""
    person = classification is Classification.INDIVIDUAL
    lines = {name: " ".join(values.get(name, "").split()) or None for name in _TEXTS}
    for name in {"entity_name"} if person else _PERSON:
        lines[name] = None
    if classification is not Classification.OTHER:
        lines["other_classification"] = None
    return lines
