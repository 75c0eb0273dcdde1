"""What portals are called in mails, and the one mail about every change of how a person signs in."""

from __future__ import annotations

from app.core.settings import settings
from app.db.session import ScopedSession
from app.identity.states import Portal
from app.notify import service as notify

NAMES = {
    Portal.CREATOR: "creator portal",
    Portal.CONTRACTOR: "contractor portal",
    Portal.VENDOR: "vendor portal",
    Portal.CONSULTANT: "consultant portal",
    Portal.ORG: "organization dashboard",
    Portal.ADMIN: "platform",
    Portal.CLIENT: "bookings",
}


def tell_of_factor(session: ScopedSession, portal: Portal, email: str, name: str, what: str) -> None:
    """`what` is a sentence without its full stop."""
    notify.queue(
        session,
        email,
        "second_factor",
        subject="The way you sign in was changed",
        context={
            "name": name,
            "portal": NAMES[portal],
            "what": what,
            "security_url": f"{settings().base_url}/{portal.value}/settings/security",
        },
    )
