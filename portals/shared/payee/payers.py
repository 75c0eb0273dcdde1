"""The organizations that engage the signed-in payee, and the one the page is narrowed to (`?organization=<slug>`)."""

from __future__ import annotations

from flask import g, request, url_for
from flask_babel import gettext as _

from app.core.errors import NotFound
from app.identity.states import Portal
from app.organizations.queries import Payer, payers
from app.payees.kinds import of_portal
from portals.web.db import db
from portals.web.frame import LABELS
from portals.web.nav import Choice, Label


def has_bills(portal: Portal) -> bool:
    """Creators earn by commission and consultants by bookings; the others send bills."""
    spec = of_portal(portal.value)
    return spec is not None and spec.requests_payments


def may_bill() -> bool:
    """Whether this portal has bills."""
    return has_bills(g.account.portal)


def is_business() -> bool:
    """Whether payees of this portal say what they are in law."""
    spec = of_portal(g.account.portal.value)
    return spec is not None and spec.is_business


def mine() -> list[Payer]:
    """Asked once a request."""
    if "payers" not in g:
        g.payers = payers(db(), g.actor.payee_id)
    found: list[Payer] = g.payers
    return found


def chosen() -> Payer | None:
    """The payer named in the address; None shows all. Raises NotFound for one that does not engage this payee."""
    slug = request.args.get("organization", "")
    return by_slug(slug) if slug else None


def find(slug: str | None) -> Payer | None:
    return next((payer for payer in mine() if payer.slug == slug), None)


def by_slug(slug: str) -> Payer:
    """Raises NotFound for one that does not engage this payee."""
    found = find(slug)
    if found is None:
        raise NotFound(_("There is nothing here. It may have been removed, or the address is wrong."))
    return found


def _everybody() -> str:
    """All payers in one word: to creators they are brands."""
    return _("All brands") if g.account.portal is Portal.CREATOR else _("All organizations")


def tenant() -> tuple[str, Label]:
    """Name and caption on top of the sidebar: the only payer, the chosen one, or the payee with all of them."""
    found = mine()
    only = found[0] if len(found) == 1 else chosen()
    label = LABELS[g.account.portal]
    if only is None and len(found) > 1:
        return g.account.name, f"{_everybody()} · {len(found)}"
    return (only.name, label) if only else (g.account.name, label)


def kept() -> dict[str, str]:
    """The chosen organization goes along in the portal's links; without one nothing does."""
    found = chosen()
    return {"organization": found.slug} if found else {}


def choices() -> list[Choice]:
    """Where a payee of several organizations can switch to: the same page where it is a list, else the payments."""
    found = mine()
    if len(found) < 2:
        return []
    now, base = chosen(), _narrowable()
    everything = Choice(_everybody(), url_for(base), current=now is None)
    return [everything] + [
        Choice(payer.name, url_for(base, organization=payer.slug), current=payer is now) for payer in found
    ]


_NARROWED = frozenset(
    {"dashboard", "earnings", "payments", "statements", "messages", "contracts", "files", "deliverables"}
)


def _narrowable() -> str:
    """The endpoint of this page when it can be narrowed to one organization."""
    portal, _dot, name = (request.endpoint or "").rpartition(".")
    return f"{portal}.{name}" if name in _NARROWED else f"{g.account.portal.value}.payments"
