"""The links of an organization's portal and the numbers beside them, as this member's role may use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flask import g, url_for
from flask_babel import lazy_gettext as _l

from app.core.scope import Permission
from app.organizations.states import PROVIDES, BillingMode, OrganizationKind
from app.reporting.organization import Attention, attention, has_rates
from portals.shared import notices
from portals.shared.messages import unread_count
from portals.web.db import db
from portals.web.nav import Label, NavItem, use_shell

_WORK, _SALES, _MONEY, _HOUSE = _l("Payables"), _l("Sales"), _l("Money"), _l("Organization")
_OFFER = _l("Consulting")
ITEMS = (
    NavItem(_l("Overview"), "chart-bar", "org.overview", tab=True),
    NavItem(_l("Bills"), "file-invoice", "org.bills", section=_WORK, count="bills", tab=True),
    NavItem(_l("Imports"), "table-import", "org.imports", section=_WORK, count="imports"),
    NavItem(_l("Projects"), "layout-kanban", "org.projects", section=_WORK, count="projects"),
    NavItem(_l("Deliverables"), "photo", "org.deliverables", section=_WORK, count="deliverables"),
    NavItem(_l("Payees"), "users", "org.payees", section=_WORK, tab=True),
    NavItem(_l("Applications"), "user-plus", "org.applications", section=_WORK, count="applications"),
    NavItem(_l("Messages"), "messages", "org.messages", section=_WORK, count="messages"),
    NavItem(_l("Files"), "folder", "org.files", section=_WORK),
    NavItem(_l("Contracts"), "signature", "org.contracts", section=_WORK),
    NavItem(_l("Appointments"), "calendar-event", "org.appointments", section=_WORK, only_with="consultants"),
    NavItem(_l("Consultants"), "user-check", "org.consultants", section=_OFFER, only_with="provides"),
    NavItem(_l("Rates"), "percentage", "org.rates", section=_OFFER, only_with="consultants"),
    NavItem(_l("Earnings"), "coins", "org.earnings", section=_OFFER, only_with="provides"),
    NavItem(_l("Own payouts"), "cash", "org.own_payouts", section=_OFFER, only_with="provides"),
    NavItem(_l("Payout account"), "building-bank", "org.payout_account", section=_OFFER, only_with="provides"),
    NavItem(_l("Orders"), "receipt", "org.orders", section=_SALES, count="orders"),
    NavItem(_l("Discount codes"), "tag", "org.codes", section=_SALES),
    NavItem(_l("Stores"), "building-store", "org.stores", section=_SALES),
    NavItem(_l("Billing"), "receipt", "org.billing", section=_MONEY, only_with="billing"),
    NavItem(_l("Seat credits"), "coins", "org.credits", section=_MONEY, only_with="credits"),
    NavItem(_l("Funds"), "wallet", "org.funds", section=_MONEY, tab=True),
    NavItem(_l("Payouts"), "cash", "org.payouts", section=_MONEY),
    NavItem(_l("Batches"), "transfer", "org.batches", section=_MONEY),
    NavItem(_l("Members"), "id-badge-2", "org.members", section=_HOUSE),
    NavItem(_l("Audit log"), "list-check", "org.audit", section=_HOUSE),
    NavItem(_l("API keys"), "key", "org.keys", section=_HOUSE),
    NavItem(_l("Settings"), "settings", "org.settings", foot=True),
)
_NEEDS = {
    "org.bills": Permission.REQUEST_READ,
    "org.imports": Permission.BILLS_IMPORT,
    "org.payees": Permission.PAYEE_READ,
    "org.applications": Permission.PAYEE_READ,
    "org.projects": Permission.PROJECT_READ,
    "org.deliverables": Permission.DELIVERABLE_READ,
    "org.messages": Permission.MESSAGE,
    "org.files": Permission.FILE_READ,
    "org.contracts": Permission.CONTRACT_READ,
    "org.appointments": Permission.CONSULTATION_READ,
    "org.orders": Permission.SALES_READ,
    "org.codes": Permission.SALES_READ,
    "org.stores": Permission.SALES_READ,
    "org.rates": Permission.CONSULTATION_READ,
    "org.consultants": Permission.CONSULTATION_READ,
    "org.earnings": Permission.ORGANIZATION_EARNINGS,
    "org.own_payouts": Permission.ORGANIZATION_EARNINGS,
    "org.payout_account": Permission.ORGANIZATION_PAYOUT,
    "org.billing": Permission.BILLING_READ,
    "org.credits": Permission.CREDIT_READ,
    "org.funds": Permission.FUNDS_READ,
    "org.payouts": Permission.PAYOUT_READ,
    "org.batches": Permission.PAYOUT_READ,
    "org.members": Permission.MEMBER_READ,
    "org.audit": Permission.AUDIT_READ,
    "org.keys": Permission.ORGANIZATION_SETTINGS,
    "org.settings": Permission.ORGANIZATION_SETTINGS,
}


def fit_links() -> None:
    """Leave out what this role may not open; the views refuse it all the same."""
    shell = g.get("shell")
    if shell is not None:
        use_shell(
            replace(
                shell,
                items=[
                    item for item in shell.items if item.endpoint not in _NEEDS or g.actor.can(_NEEDS[item.endpoint])
                ],
            )
        )


def waiting() -> Attention:
    """What needs a person, asked once per request."""
    if "attention" not in g:
        g.attention = attention(db(), g.organization.id, own=g.actor.can(Permission.ORGANIZATION_EARNINGS))
    found: Attention = g.attention
    return found


def shares() -> bool:
    """Whether bookings with consultants of the organization are shared by its rates."""
    return has_rates(g.organization.kind, waiting().consultants)


def counts() -> Mapping[str, int]:
    now = waiting()
    unread = unread_count(g.organization.id) if g.actor.can(Permission.MESSAGE) else 0
    return {
        "bills": now.submitted + now.disputed,
        "imports": now.imports,
        "messages": unread,
        "notices": notices.unread() if g.actor.can(Permission.MESSAGE) else 0,
        "projects": now.projects,
        "deliverables": now.deliverables,
        "orders": now.orders,
        "applications": now.applications,
        "billing": int(g.organization.kind is not OrganizationKind.PROVIDER),
        "credits": int(g.organization.billing_mode is BillingMode.SEAT_PACK),
        "provides": int(g.organization.kind in PROVIDES),
        "consultants": int(shares()),
    }


def search() -> tuple[str | None, Label]:
    return url_for("org.payees") if g.actor.can(Permission.PAYEE_READ) else None, _l("Search payees")
