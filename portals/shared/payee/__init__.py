"""What every payee portal is made of. A portal is one line: `bp = payee_portal(Portal.VENDOR)`; it adds its own pages.

Pages speak with `g.actor.payee_id`; the scope of the request shows this payee's rows and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.identity.states import Portal
from app.payees.kinds import of_portal
from portals.shared import notices
from portals.shared.messages import unread_count
from portals.shared.payee import (
    contracts,
    files,
    help,
    lines,
    messages,
    methods,
    payments,
    payouts,
    profile,
    request_form,
    requests,
    statements,
    tax,
    withdrawals,
)
from portals.shared.payee.payers import choices, has_bills, kept, tenant
from portals.web.guards import portal_guard
from portals.web.nav import NavItem

Mount = Callable[[Blueprint], None]


def payee_portal(
    portal: Portal,
    more: Sequence[NavItem] = (),
    *,
    starts_elsewhere: bool = False,
    more_counts: Callable[[], Mapping[str, int]] | None = None,
) -> Blueprint:
    """A guarded blueprint with the pages all payees share.

    `more` are links of this portal's own pages, shown first, and `more_counts` gives the numbers beside them.
    `starts_elsewhere`: the portal has a start page of its own at `/`; else it starts with the payments.
    """
    name = portal.value
    bp = Blueprint(name, f"portals.{name}", url_prefix=f"/{name}")
    bills = has_bills(portal)
    portal_guard(
        bp,
        portal,
        items=(*more, *_links(name, bills)),
        tenant=tenant,
        choices=choices,
        counts=lambda: _counts(more_counts),
        kept=kept,
    )
    if not starts_elsewhere:
        bp.get("/")(home)
    mounts: list[Mount] = [payments.mount, lines.mount, withdrawals.mount, payouts.mount, statements.mount]
    if bills:
        mounts += [requests.mount, request_form.mount, contracts.mount_filing]
    mounts += [contracts.mount, messages.mount, methods.mount, tax.mount, profile.mount, files.mount, help.mount]
    mounts.append(notices.mount_inbox)
    spec = of_portal(name)
    if spec is not None and spec.is_business:
        mounts.append(profile.mount_business)
    for mount in mounts:
        mount(bp)
    return bp


def home() -> ResponseReturnValue:
    return redirect(url_for(f"{g.account.portal.value}.payments"), 303)


def _counts(more: Callable[[], Mapping[str, int]] | None) -> Mapping[str, int]:
    """The numbers beside the links."""
    own = {"contracts": contracts.count(), "messages": unread_count(), "notices": notices.unread()}
    return {**own, **(more() if more else {})}


def _links(name: str, bills: bool) -> tuple[NavItem, ...]:
    account = _l("Account")
    own = (
        (
            NavItem(_l("Bills"), "file-invoice", f"{name}.requests", tab=True),
            NavItem(_l("Request payment"), "plus", f"{name}.request_payment", tab=True, short=_l("Request")),
        )
        if bills
        else ()
    )
    return (
        NavItem(_l("Payments"), "wallet", f"{name}.payments", tab=True),
        *own,
        NavItem(_l("Messages"), "messages", f"{name}.messages", count="messages"),
        NavItem(_l("Contracts"), "signature", f"{name}.contracts", count="contracts"),
        NavItem(_l("Payout methods"), "building-bank", f"{name}.methods", section=account),
        NavItem(_l("Tax form"), "receipt", f"{name}.tax", section=account),
        NavItem(_l("Statements"), "file-text", f"{name}.statements", section=account),
        NavItem(_l("Files"), "folder", f"{name}.files", section=account),
        NavItem(_l("Profile"), "user", f"{name}.profile", section=account),
        NavItem(_l("Notifications"), "bell", f"{name}_auth.notices", section=account),
        NavItem(_l("Help"), "help-circle", f"{name}.help", foot=True),
        NavItem(_l("Sign-in and security"), "shield-lock", f"{name}_auth.security", foot=True),
    )
