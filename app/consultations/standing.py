"""What is earned by a consultation and whether it may be paid: what a bank or a person has to decide first."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, or_, select, text

from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ReturnKind, ReturnStatus
from app.consultations.records import SUBJECT
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.earnings import service as earnings
from app.earnings import withholding
from app.earnings.models import HoldReason

_EARNING_IDS = text(
    """SELECT e.id FROM consultation_shares s JOIN earnings e ON e.organization_id = s.organization_id
        AND e.source_kind = 'consultation_share' AND e.source_id = s.id WHERE s.consultation_id = ANY(:ids)
    UNION ALL
    SELECT e.id FROM consultation_returns r JOIN earnings e ON e.organization_id = r.organization_id
        AND e.source_kind IN ('consultation_return', 'consultation_return_undone') AND e.source_id = r.id
        WHERE r.consultation_id = ANY(:ids)
    UNION ALL
    SELECT e.id FROM consultations k JOIN earnings e ON e.organization_id = k.organization_id
        AND e.source_kind = 'consultation_organization' AND e.source_id = k.id WHERE k.id = ANY(:ids)
    UNION ALL
    SELECT e.id FROM charges c JOIN charge_returns r ON r.charge_id = c.id
        JOIN earnings e ON e.organization_id = c.organization_id AND e.source_id = r.id
        AND e.source_kind IN ('consultation_organization_return', 'consultation_organization_undone')
        WHERE c.subject_kind = 'consultation' AND c.subject_id = ANY(:ids)"""
)


def earning_ids(session: ScopedSession, consultation_ids: Sequence[UUID]) -> list[UUID]:
    session.flush()
    return list(session.execute(_EARNING_IDS, {"ids": list(consultation_ids)}).scalars())


def undecided(session: ScopedSession, consultation_ids: Sequence[UUID]) -> set[UUID]:
    """Those whose charge a bank has questioned, or where a refund came back and nobody has settled that."""
    query = (
        select(Charge.subject_id)
        .join(ChargeReturn, ChargeReturn.charge_id == Charge.id)
        .where(
            Charge.subject_kind == SUBJECT,
            Charge.subject_id.in_(consultation_ids),
            or_(
                and_(
                    ChargeReturn.kind == ReturnKind.DISPUTE,
                    ChargeReturn._status.in_((ReturnStatus.PENDING, ReturnStatus.UNKNOWN)),
                ),
                and_(ChargeReturn._status == ReturnStatus.CAME_BACK, ChargeReturn.settled_at.is_(None)),
            ),
        )
    )
    return set(session.scalars(query))


def withhold_disputed(session: ScopedSession, actor: Actor, consultation_id: UUID) -> None:
    """Nothing of it is paid out while the bank decides: what is on hold waits for that, what was ready does again.

    What is in a payout stays there; lost, it is an earning below zero. The caller acts as the platform.
    """
    ids = earning_ids(session, [consultation_id])
    earnings.wait_for(session, actor, ids, HoldReason.DISPUTE)
    withholding.withhold(session, actor, ids, HoldReason.DISPUTE)


_UNPAID = text(
    """SELECT c.subject_id FROM charges c
    LEFT JOIN billing_profiles p ON p.organization_id = c.buyer_organization_id
    WHERE c.subject_kind = 'consultation' AND c.subject_id = ANY(:ids) AND c.provider = 'funds'
        AND c.status = 'succeeded' AND c.amount_minor > c.refunded_minor
        AND coalesce(p.payout_on, 'invoice_paid') = 'invoice_paid'
        AND NOT EXISTS (SELECT FROM billed_charges b JOIN invoices i ON i.id = b.invoice_id
            WHERE b.charge_id = c.id AND i.status = 'paid')"""
)


def unpaid_by_buyer(session: ScopedSession, consultation_ids: Sequence[UUID]) -> set[UUID]:
    """Those of organizations that pay by invoice and have not paid it, unless the platform fronts it."""
    return set(session.scalars(_UNPAID, {"ids": list(consultation_ids)}))


_OF_INVOICE = text(
    """SELECT k.id FROM billed_charges b JOIN charges c ON c.id = b.charge_id AND c.subject_kind = 'consultation'
    JOIN consultations k ON k.id = c.subject_id
    WHERE b.invoice_id = :invoice_id AND k.status = ANY(:over) AND (CAST(:after AS uuid) IS NULL OR k.id > :after)
    ORDER BY k.id LIMIT :most"""
)


def over_of_invoice(
    session: ScopedSession, invoice_id: UUID, over: Sequence[str], after: UUID | None, most: int
) -> list[UUID]:
    """Consultations an invoice billed that are over, by id, after one of them."""
    return list(
        session.scalars(_OF_INVOICE, {"invoice_id": invoice_id, "over": list(over), "after": after, "most": most})
    )
