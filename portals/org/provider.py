"""What pages of the provider tier share: whose payee the organization is, and what they show while the tier is off."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from uuid import UUID

from flask import g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import NotFound
from app.organizations import own_payee
from app.organizations.gating import provider_tier
from app.organizations.states import PROVIDES
from app.reporting import balances
from app.reporting.balances import Balance
from portals.org.asking import reads_own
from portals.shared.payee.payments import year_start
from portals.web.db import db
from portals.web.htmx import page

P = ParamSpec("P")


def tier(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """A page of organizations that provide; the others find nothing here. With the tier off it says so."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if g.organization.kind not in PROVIDES:
            raise NotFound(_("This organization has no consultants of its own."))
        if not provider_tier():
            return page("org/provider/locked.html")
        return view(*args, **kwargs)

    return checked


def earned() -> list[Balance]:
    """What the organization earned, by currency; nothing for one that only buys, for readers it is not shown to, and
    with the tier off."""
    found = None
    if g.organization.kind in PROVIDES and provider_tier() and reads_own():
        found = own_payee.find(db(), g.organization.id)
    return balances.balances(db(), found, year_start()) if found else []


def own() -> UUID:
    """The payee the organization is. Raises NotFound before it is one."""
    found = own_payee.find(db(), g.organization.id)
    if found is None:
        raise NotFound(_("This organization earns nothing of its own yet."))
    return found
