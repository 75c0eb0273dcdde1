"""What a booking costs and who gets what of it, with everything needed to tell the arithmetic again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.consultations.profile_models import Collaborator, ConsultantProfile, Offering
from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.db.session import ScopedSession
from app.earnings import rates as rate_service
from app.earnings import splits
from app.earnings.splits import percent
from app.payees.models import Engagement
from app.payees.states import EngagementStatus


@dataclass(frozen=True, slots=True)
class Quote:
    """`list` is what is split, `price` what the client pays; the platform bears the difference. All one currency.

    `organization_id`: who engages the consultant and gets the money. `shares`: payee, weight and part of the
    consultant's part, the consultant first; they add up to it. `snapshot` is JSON, for `Consultation.pricing`.
    """

    organization_id: UUID
    list: Money
    price: Money
    platform: Money
    organization: Money
    consultant: Money
    shares: Sequence[tuple[UUID, int, Money]]
    snapshot: dict[str, Any]


def quote(
    session: ScopedSession, offering: Offering, payee_id: UUID, *, discount_minor: int = 0, prepaid: Money | None = None
) -> Quote:
    """The price of an offering with a consultant now. Any scope: profiles and prices are public, rates are not shown.

    `prepaid`: what a seat credit for it is worth, which is what is paid. Below the list price the difference is a
    discount; where the list price has fallen below it, what was paid is what is shared.

    Raises NotFound for a consultant who does not offer it, Invalid for a discount beyond the price, Conflict when
    somebody who shares it does not work for the organization any more.
    """
    whole = offering.price if prepaid is None else max(offering.price, prepaid)
    if prepaid is not None:
        discount_minor = (whole - prepaid).minor
    if not 0 <= discount_minor <= whole.minor:
        raise Invalid("A discount is not more than the price.", fields={"discount": "At most the price."})
    organization_id = session.scalar(
        select(ConsultantProfile.organization_id).where(ConsultantProfile.payee_id == payee_id)
    )
    if organization_id is None or offering.payee_id not in (None, payee_id):
        raise NotFound("This consultant does not offer that.")
    rates = rate_service.rates_of(session, organization_id, payee_id)
    parts = splits.split(whole, rates)
    people = _collaborators(session, offering.id, payee_id)
    _check_engaged(session, organization_id, [person for person, _ in people])
    weights = dict(people)
    shares = [(person, weights[person], part) for person, part in splits.by_weight(parts.consultant, people)]
    price = Money(whole.minor - discount_minor, whole.currency)
    snapshot = {
        "offering_id": str(offering.id),
        "offering_version": offering.version,
        "title": offering.title,
        "duration_minutes": offering.duration_minutes,
        "currency": offering.currency,
        "list_minor": whole.minor,
        "discount_minor": discount_minor,
        "price_minor": price.minor,
        "rule": rates.rule,
        "rule_version": rates.version,
        "override": rates.override,
        "platform_bps": rates.platform_bps,
        "organization_bps": rates.organization_bps,
        "consultant_bps": rates.consultant_bps,
        "platform_minor": parts.platform.minor,
        "organization_minor": parts.organization.minor,
        "consultant_minor": parts.consultant.minor,
        "shares": [
            {"payee_id": str(person), "weight": weight, "amount_minor": part.minor} for person, weight, part in shares
        ],
    }
    return Quote(organization_id, whole, price, parts.platform, parts.organization, parts.consultant, shares, snapshot)


def _collaborators(session: ScopedSession, offering_id: UUID, payee_id: UUID) -> list[tuple[UUID, int]]:
    """Who shares it, the consultant first; alone where nobody else is named."""
    rows = session.execute(
        select(Collaborator.payee_id, Collaborator.weight)
        .where(Collaborator.offering_id == offering_id)
        .order_by((Collaborator.payee_id != payee_id), Collaborator.id)
    ).all()
    return [(row.payee_id, row.weight) for row in rows] or [(payee_id, 1)]


def _check_engaged(session: ScopedSession, organization_id: UUID, people: list[UUID]) -> None:
    with session.elevated("collaborators are paid by the same organization"):
        working = set(
            session.scalars(
                select(Engagement.payee_id).where(
                    Engagement.organization_id == organization_id,
                    Engagement.payee_id.in_(people),
                    Engagement.status == EngagementStatus.ACTIVE,
                )
            )
        )
    if set(people) - working:
        raise Conflict("This cannot be booked: somebody who shares in it does not work for the organization now.")


_RULES = {
    "advisor": "The platform’s rates for advisors",
    "consultant": "The platform’s rates for consultants",
    "provider": "The organization’s rates",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the panel that explains a split: `kind` names it, `arithmetic` says where the amount comes from."""

    kind: str
    label: str
    arithmetic: str
    amount: Money


def rule_of(snapshot: Mapping[str, Any]) -> str:
    """Where the rates come from, as a person says it."""
    name = _RULES[snapshot["rule"]]
    if snapshot["rule_version"] > 1 or snapshot["rule"] == "provider":
        name += f", version {snapshot['rule_version']}" if snapshot["rule_version"] else ", as they are by default"
    return f"{name}; the consultant’s share was agreed in person" if snapshot["override"] else name


def explain(snapshot: Mapping[str, Any], payee_id: UUID | None = None) -> list[Line]:
    """The arithmetic of a booking, from its snapshot alone: price, the three parts, and how many share the last one.

    `snapshot`: a consultation's `pricing`, or the `rule_detail` of an earning by it, which knows one's own part only.
    `payee_id`: whose own part stands at the end, where the consultant's part is shared. Names nobody.
    """
    currency, whole = snapshot["currency"], Money(snapshot["list_minor"], snapshot["currency"])

    def money(name: str) -> Money:
        return Money(snapshot[f"{name}_minor"], currency)

    def rate(name: str) -> str:
        return f"{percent(snapshot[f'{name}_bps'])} of {whole.plain()} {currency}"

    lines = [Line("price", "Price", "What it costs", whole)]
    if snapshot["discount_minor"]:
        lines.append(Line("discount", "Discount", "The platform bears it: no share gets less", -money("discount")))
        lines.append(Line("paid", "Paid by the client", "Price less discount", money("price")))
    lines.append(Line("platform", "Platform", f"{rate('platform')}, half-up", money("platform")))
    if snapshot["organization_bps"] or snapshot["organization_minor"]:
        lines.append(Line("organization", "Organization", f"{rate('organization')}, half-up", money("organization")))
    lines.append(Line("consultant", "Consultant", f"{rate('consultant')}: what is left", money("consultant")))
    if "shares" in snapshot:
        shares, mine = snapshot["shares"], payee_id is not None
        weights = sum(share["weight"] for share in shares)
        shown = [share for share in shares if not mine or share["payee_id"] == str(payee_id)]
    else:
        shown, mine, weights = [snapshot["share"]], True, snapshot["weights"]
    for share in shown:
        if share["weight"] != weights:
            told = f"{share['weight']} of {weights} parts of {money('consultant').plain()} {currency}"
            lines.append(Line("share", "Your part" if mine else "Share", told, Money(share["amount_minor"], currency)))
    return lines
