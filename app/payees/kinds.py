"""What the kinds of payees differ in: one row a kind, asked by services and pages alike.

A new kind is a row here, `portals/<kind>/` and a journey test.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.payees.states import PayeeKind


@dataclass(frozen=True, slots=True)
class KindSpec:
    """`portal` is the name of its own portal, None where its people sign in elsewhere.

    `single_engagement`: works for one organization only, which keeps its name and address. `requests_payments`: sends
    bills. `resets_password`: has a page for a forgotten password; the others ask for a link by mail.
    `added_by_organization`: an organization may write one down by itself.
    `is_business`: says what it is in law. `earns_commission`: has discount codes, and a share of the orders they bring.
    """

    kind: PayeeKind
    label: str
    plural: str
    portal: str | None
    single_engagement: bool = False
    requests_payments: bool = False
    resets_password: bool = True
    added_by_organization: bool = False
    is_business: bool = False
    earns_commission: bool = False


SPECS = {
    spec.kind: spec
    for spec in (
        KindSpec(
            PayeeKind.CREATOR, "Creator", "Creators", "creator", earns_commission=True, added_by_organization=True
        ),
        KindSpec(
            PayeeKind.CONTRACTOR,
            "Contractor",
            "Contractors",
            "contractor",
            single_engagement=True,
            requests_payments=True,
            added_by_organization=True,
        ),
        KindSpec(
            PayeeKind.VENDOR,
            "Vendor",
            "Vendors",
            "vendor",
            single_engagement=True,
            requests_payments=True,
            resets_password=False,
            added_by_organization=True,
            is_business=True,
        ),
        KindSpec(PayeeKind.CONSULTANT, "Consultant", "Consultants", "consultant"),
        KindSpec(PayeeKind.ORGANIZATION, "Organization", "Organizations", None, resets_password=False),
    )
}


def spec_of(kind: PayeeKind) -> KindSpec:
    return SPECS[kind]


def of_portal(portal: str) -> KindSpec | None:
    """The kind whose own portal this is; None for portals of others."""
    return next((spec for spec in SPECS.values() if spec.portal == portal), None)
