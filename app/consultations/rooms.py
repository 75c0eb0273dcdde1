"""Where client and consultant meet by video; what is held for many has one room for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.consultations.models import Consultation
from app.consultations.profile_models import Offering
from app.consultations.records import locked, note, side_of
from app.consultations.states import ConsultationStatus
from app.core.crypto import token
from app.core.errors import Invalid
from app.core.scope import Actor
from app.core.settings import settings
from app.db.session import ScopedSession


def room(session: ScopedSession, found: Consultation) -> str | None:
    """A room of its own; all who come to what is held for many meet in one. The caller is elevated."""
    if found.kind.is_group:
        session.get_one(Offering, found.offering_id, with_for_update=True)  # the first two do not open two rooms
        same = (Consultation.offering_id == found.offering_id) & (Consultation._status == ConsultationStatus.BOOKED)
        known = session.scalar(select(Consultation.video_url).where(same, Consultation.video_url.is_not(None)).limit(1))
        if known is not None:
            return known
    return f"{settings().video_url}/quittance-{token()[:24]}" if settings().video_url else None


def set_video(session: ScopedSession, actor: Actor, consultation_id: UUID, url: str) -> Consultation:
    """Where they meet; what is held for many moves with everybody who is booked.

    Raises Forbidden, NotFound, Invalid for anything but an https address.
    """
    found = locked(session, consultation_id)
    side_of(actor, found)
    url = url.strip()
    if not (url.startswith("https://") and len(url) <= 500 and url.isprintable() and " " not in url):
        raise Invalid("Write an address that begins with https://.", fields={"video_url": "https:// and no spaces."})
    for one in [found, *_others_of_group(session, found)]:
        if url != one.video_url:
            one.video_url, one.version = url, one.version + 1
            note(session, actor, one, one.status, "The video link was changed.", action="edited")
    return found


def _others_of_group(session: ScopedSession, found: Consultation) -> Sequence[Consultation]:
    if not found.kind.is_group:
        return []
    others = select(Consultation).where(
        Consultation.offering_id == found.offering_id,
        Consultation._status == ConsultationStatus.BOOKED,
        Consultation.id != found.id,
    )
    return session.scalars(others.order_by(Consultation.id).with_for_update()).all()
