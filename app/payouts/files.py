"""The file of an export: which format it has, and the bytes, always the same from what was frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.errors import Conflict
from app.db import numbering
from app.db.types import SealedText
from app.payees.states import BusinessType, PayeeKind
from app.payouts import bank_profiles
from app.payouts.bank_profiles import Payer
from app.payouts.models import Export
from app.payouts.rules import arrival, is_company
from app.rails import bank_file, formats, nacha
from app.rails.bank_file import ExportLine, FileFacts
from app.rails.formats import SPECS, FileFormat, Offer
from app.rails.originators import LABELS, ProfileKind
from app.tax.states import Classification

SHOWN_REWRITTEN = 200


def set_first(session: Session, export: Export, lines: Sequence[ExportLine]) -> None:
    """The format that fits the accounts and what is known of the payer; CSV where none does."""
    payers = bank_profiles.payers(session, export.organization_id)
    offers = formats.offers(lines, {kind: payer.values for kind, payer in payers.items()})
    reasons = {offer.format.value: SPECS[offer.format].why_not(lines) for offer in offers}
    export.remarks = {"reasons": {name: reason for name, reason in reasons.items() if reason}}
    for offer in offers:
        if not offer.why_not and _set(session, export, lines, offer.format, payers):
            return
    raise AssertionError("a table can always be made")


def set_format(session: Session, export: Export, lines: Sequence[ExportLine], wanted: FileFormat) -> None:
    """Raises Conflict with the reason where the lines or the payer do not allow it."""
    reason = next(offer.why_not for offer in offers(session, export) if offer.format is wanted)
    if reason:
        raise Conflict(reason)
    if not _set(session, export, lines, wanted, bank_profiles.payers(session, export.organization_id)):
        raise Conflict(f"A bank takes {len(nacha.MODIFIERS)} files a day from one sender; today’s are used up.")


def offers(session: Session, export: Any) -> list[Offer]:
    """Every format with what stands against it now; the frozen lines are not opened."""
    reasons: Mapping[str, str] = (export.remarks or {}).get("reasons", {})
    there = bank_profiles.kinds_for(session, export.organization_id)
    found = []
    for format_, spec in SPECS.items():
        reason = reasons.get(format_.value, "")
        if not reason and spec.profile is not None and spec.profile not in there:
            reason = f"The bank profile “{LABELS[spec.profile]}” is not written yet."
        found.append(Offer(format_, reason))
    return found


def _set(
    session: Session,
    export: Export,
    lines: Sequence[ExportLine],
    format_: FileFormat,
    payers: Mapping[ProfileKind, Payer],
) -> bool:
    """False when the day has no letter left for another file."""
    now, kind = utc_now(), SPECS[format_].profile
    payer = payers[kind] if kind is not None else None
    modifier = "A"
    if format_ is FileFormat.NACHA and payer is not None:
        place = numbering.take(session, payer.owner_id, "nacha", int(f"{now:%Y%m%d}"))
        if place > len(nacha.MODIFIERS):
            return False
        modifier = nacha.MODIFIERS[place - 1]
    facts = FileFacts(export.number, export.id.hex, now.replace(microsecond=0), arrival(now.date(), 1), modifier)
    values = dict(payer.values) if payer is not None else None
    content = formats.render(format_, lines, values, facts)
    said = formats.rewritten(format_, lines)
    export.format = format_
    export.header_sealed = SealedText(seal(_told(facts, values), _context(export.id)))
    export.file_sha256 = bank_file.sha256(content)
    export.remarks = {
        **(export.remarks or {}),
        "execute_on": facts.execute_on.isoformat(),
        "rewritten": [asdict(one) for one in said[:SHOWN_REWRITTEN]],
        "rewritten_count": len(said),
        "lost_count": sum(one.lost for one in said),
    }
    return True


def render(export: Export, lines: Sequence[ExportLine]) -> bytes:
    """The bytes of the frozen file."""
    if export.header_sealed is None:  # made before there were formats
        return bank_file.render_csv(lines)
    told = open_sealed(export.header_sealed, _context(export.id))
    facts = FileFacts(
        told["number"],
        told["message_id"],
        datetime.fromisoformat(told["made_at"]),
        date.fromisoformat(told["execute_on"]),
        told["modifier"],
    )
    return formats.render(export.format or FileFormat.CSV, lines, told["profile"], facts)


def _context(export_id: UUID) -> str:
    return f"payout_exports.header:{export_id}"


def _told(facts: FileFacts, profile: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "number": facts.number,
        "message_id": facts.message_id,
        "made_at": facts.made_at.isoformat(),
        "execute_on": facts.execute_on.isoformat(),
        "modifier": facts.modifier,
        "profile": profile,
    }


_LEGAL = text(
    """SELECT p.id, y.kind, y.business_type, (SELECT w.classification FROM w9_forms w WHERE w.payee_id = y.id
        ORDER BY w.version DESC LIMIT 1) AS classification
    FROM payouts p JOIN payees y ON y.id = p.payee_id WHERE p.id = ANY(:ids)"""
)


def companies(session: Session, payout_ids: Sequence[UUID]) -> dict[UUID, bool | None]:
    """Payout → whether its payee is a company; None where nobody said."""
    return {
        row.id: is_company(
            PayeeKind(row.kind),
            BusinessType(row.business_type) if row.business_type else None,
            Classification(row.classification) if row.classification else None,
        )
        for row in session.execute(_LEGAL, {"ids": list(payout_ids)})
    }
