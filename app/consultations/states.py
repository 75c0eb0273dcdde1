"""Where consultations, appointments and adjustments stand: one dict literal a machine."""

from __future__ import annotations

from enum import StrEnum


class Practice(StrEnum):
    """What a consultant is: decides labels, how prices are made, and the rule for those who do not appear."""

    CONSULTANT = "consultant"  # own prices
    ADVISOR = "advisor"  # the platform's prices
    DOCTOR = "doctor"  # a flat rate for each appointment


class OfferingKind(StrEnum):
    SESSION = "session"  # the platform's lengths and prices
    CONSULTATION = "consultation"
    WEBINAR = "webinar"
    CLASS = "class"

    @property
    def is_group(self) -> bool:
        """Held once for many clients, at a time of its own."""
        return self in (OfferingKind.WEBINAR, OfferingKind.CLASS)


class PaidBy(StrEnum):
    """How a consultation is paid. TAG: the client's card, the organization is only named."""

    CARD = "card"
    TAG = "tag"
    CREDIT = "credit"
    INVOICE = "invoice"


class ConsultationStatus(StrEnum):
    """PENDING: booked, not paid yet; the time is kept for a while only."""

    PENDING = "pending"
    BOOKED = "booked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW_CLIENT = "no_show_client"
    NO_SHOW_CONSULTANT = "no_show_consultant"
    EXPIRED = "expired"


S = ConsultationStatus
TRANSITIONS: dict[ConsultationStatus, frozenset[ConsultationStatus]] = {
    S.PENDING: frozenset({S.BOOKED, S.EXPIRED, S.CANCELLED}),
    S.BOOKED: frozenset({S.COMPLETED, S.CANCELLED, S.NO_SHOW_CLIENT, S.NO_SHOW_CONSULTANT}),
    S.COMPLETED: frozenset({S.NO_SHOW_CLIENT, S.NO_SHOW_CONSULTANT}),
    S.CANCELLED: frozenset(),
    S.NO_SHOW_CLIENT: frozenset({S.COMPLETED, S.NO_SHOW_CONSULTANT}),
    S.NO_SHOW_CONSULTANT: frozenset(),
    # The card was charged after all: booked when the time is still free, else cancelled and refunded.
    S.EXPIRED: frozenset({S.BOOKED, S.CANCELLED}),
}
TAKES_TIME = frozenset({S.PENDING, S.BOOKED, S.COMPLETED, S.NO_SHOW_CLIENT})


class CancelledBy(StrEnum):
    CLIENT = "client"
    CONSULTANT = "consultant"
    PLATFORM = "platform"


class AppointmentStatus(StrEnum):
    """RATED: it has its earning, and never changes again."""

    COMPLETED = "completed"
    RATED = "rated"
    DISMISSED = "dismissed"


class AppointmentSource(StrEnum):
    API = "api"
    IMPORT = "import"
    ADMIN = "admin"


class ImportStatus(StrEnum):
    """A file of appointments: looked at, being imported by the job, over."""

    UPLOADED = "uploaded"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
