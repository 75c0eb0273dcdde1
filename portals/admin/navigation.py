"""The links of the admin portal and the numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.reporting import overview
from portals.web.db import db
from portals.web.nav import Label, NavItem

_APPROVALS, _MONEY, _DIRECTORY, _MACHINE = _l("Approvals"), _l("Money"), _l("Directory"), _l("Operations")
ITEMS = (
    NavItem(_l("Overview"), "chart-bar", "admin.overview", tab=True),
    NavItem(_l("Payouts"), "cash", "admin.payouts", section=_APPROVALS, count="payouts", tab=True),
    NavItem(_l("Batches"), "transfer", "admin.batches", section=_APPROVALS, count="batches", tab=True),
    NavItem(_l("Monthly runs"), "calculator", "admin.payout_runs", section=_APPROVALS),
    NavItem(_l("Exports"), "file-download", "admin.exports", section=_APPROVALS, count="exports", tab=True),
    NavItem(_l("Applications"), "user-plus", "admin.applications", section=_APPROVALS, count="applications"),
    NavItem(_l("Deposits"), "building-bank", "admin.deposits", section=_APPROVALS, count="deposits"),
    NavItem(_l("Refunds"), "receipt-refund", "admin.refunds", section=_APPROVALS, count="refunds"),
    NavItem(_l("Adjustments"), "adjustments-horizontal", "admin.adjustments", section=_APPROVALS),
    NavItem(_l("Reconciliation"), "checks", "admin.reconciliation", section=_MONEY, count="lines"),
    NavItem(_l("Watch list"), "eye", "admin.watch_list", section=_MONEY, count="noticed"),
    NavItem(_l("Statements"), "file-spreadsheet", "admin.statements", section=_MONEY),
    NavItem(_l("Own transfers"), "transfer", "admin.own_transfers", section=_MONEY),
    NavItem(_l("Closed months"), "lock", "admin.closed_months", section=_MONEY),
    NavItem(_l("Billing"), "receipt", "admin.invoicing", section=_MONEY),
    NavItem(_l("Revenue"), "chart-bar", "admin.revenue", section=_MONEY),
    NavItem(_l("Ledger"), "report-money", "admin.ledger", section=_MONEY),
    NavItem(_l("Billing details"), "receipt", "admin.issuer", section=_MONEY),
    NavItem(_l("Payees"), "users", "admin.payees", section=_DIRECTORY),
    NavItem(_l("Consultants"), "user-check", "admin.consultants", section=_DIRECTORY),
    NavItem(_l("Consultations"), "video", "admin.consultations", section=_DIRECTORY),
    NavItem(_l("Reviews"), "star", "admin.reviews", section=_DIRECTORY),
    NavItem(_l("Contracts"), "signature", "admin.contracts", section=_DIRECTORY),
    NavItem(_l("Projects"), "layout-kanban", "admin.projects", section=_DIRECTORY),
    NavItem(_l("Invoices"), "file-invoice", "admin.invoices", section=_DIRECTORY),
    NavItem(_l("Appointments"), "calendar-event", "admin.appointments", section=_DIRECTORY),
    NavItem(_l("Organizations"), "building", "admin.organizations", section=_DIRECTORY),
    NavItem(_l("Mail"), "mail", "admin.mail", section=_MACHINE),
    NavItem(_l("Webhooks"), "plug", "admin.webhooks", section=_MACHINE, count="webhooks"),
    NavItem(_l("Rails"), "transfer", "admin.rails", section=_MACHINE),
    NavItem(_l("API keys"), "key", "admin.keys", section=_MACHINE),
    NavItem(_l("Audit log"), "list-check", "admin.audit", section=_MACHINE),
    NavItem(_l("Doctor"), "shield-check", "admin.doctor", section=_MACHINE),
)


# What stands beside a link, and which number of the overview it is.
_COUNTS = {
    "payouts": "pending",
    "batches": "batches",
    "exports": "exports",
    "deposits": "deposits",
    "webhooks": "webhooks",
    "applications": "applications",
    "refunds": "refunds",
    "lines": "lines",
    "noticed": "noticed",
}


def counts() -> Mapping[str, int]:
    found = overview.counts(db(), _COUNTS.values())
    return {link: found[name] for link, name in _COUNTS.items()}


def search() -> tuple[str, Label]:
    return url_for("admin.payees"), _l("Search payees")
