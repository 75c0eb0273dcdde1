"""The page a mailed invitation leads to. Looking changes nothing; its button makes the member, and signs them in."""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Forbidden, Gone, SwitchedOff
from app.core.settings import settings
from app.identity.states import Portal
from app.organizations import inviting, joining, rules
from app.organizations.joining import Joined
from app.organizations.states import MemberStatus
from portals.shared.auth_pages import ButtonForm, auth_page, welcome
from portals.web import session
from portals.web.db import db
from portals.web.htmx import Toast, done
from portals.web.ratelimit import limiter

LONGEST = 200


@limiter.limit("30 per minute", methods=["POST"])
def invitation(portal: Portal, token: str) -> ResponseReturnValue:
    """410 for a dead link; 403 with a sentence for somebody signed in with another address."""
    form, refused, status = ButtonForm(), "", None
    offer = joining.peek(db(), token[:LONGEST])
    who = session.signed_in()
    if offer is not None and form.accepts():
        try:
            joined = joining.accept(
                db(), token[:LONGEST], signed_in_as=who.email if who else None, ip=request.remote_addr
            )
            return _in(portal, joined, at_home=who is not None and who.portal is portal)
        except Gone:
            offer = None
        except (Forbidden, Conflict, SwitchedOff) as refusal:
            refused, status = refusal.message, refusal.status
    if offer is None:
        return auth_page(portal, "dead_invitation", status=410, signed_in=who is not None)
    other = joining.other_account(offer.email, who.email if who else None)
    return auth_page(
        portal, "invitation", form=form, offer=offer, token=token, refused=refused or other, other=other is not None,
        what=rules.WHAT[offer.role], article=rules.article(offer.role), status=status, signed_in=who,
        booking_url=f"{settings().base_url}{inviting.BOOKING_PATH}" if offer.role in rules.BOOKS else "",
    )  # fmt: skip


def _in(portal: Portal, joined: Joined, *, at_home: bool) -> ResponseReturnValue:
    waits = joined.status is MemberStatus.PENDING
    target = f"{session.portal_url(portal)}/" + ("" if waits else f"{joined.slug}/")
    if at_home:
        said = _("Somebody of %(name)s has to approve it first.", name=joined.organization) if waits else ""
        return done(back=target, toast=Toast(_("You have joined %(name)s", name=joined.organization), said))
    return welcome(portal, joining.open_session(db(), joined, session.browser()), target)


def mount(add: Callable[..., None]) -> None:
    add("/invitations/<token>", "invitation", invitation, methods=["GET", "POST"])
