"""Applications of the demo: two wait with Fernhill Studio, one with the platform, one was declined."""

from __future__ import annotations

from uuid import UUID

from app.consultations import applications as consultants
from app.consultations.profile_rules import Expertise
from app.consultations.states import Practice
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.organizations import service as organizations
from app.payees import applications
from app.payees.application_rules import Stated
from app.payees.states import PayeeKind

_APPLICANTS = (
    ("fernhill", PayeeKind.CREATOR, "ines@duarte.example", Stated(
        "Inês Duarte", "Food photography and short video", "PT", ("https://duarte.example/work",),
        "I shoot seasonal kitchens and would like to work on your autumn campaign.")),
    ("fernhill", PayeeKind.CONTRACTOR, "kwame@mensah.example", Stated(
        "Kwame Mensah", "Front-end development", "GH", ("https://mensah.example",), "Free from December.")),
    ("fernhill", PayeeKind.VENDOR, "sales@cheapleads.example", Stated(
        "Cheap Leads Ltd", "Address lists", None, (), "")),
)  # fmt: skip
_RAMAN = Stated("Priya Raman", "Tax advice for small agencies", "IN", ("https://raman.example/about",), "")
_EXPERTISE = Expertise(
    Practice.ADVISOR, ("GST", "Payroll"), ("Tax law", "Small agencies"), ("en", "ta"),
    "Chartered accountant for eleven years; I would offer 30 and 60 minute sessions.",
)  # fmt: skip


def load(session: ScopedSession, owner: Actor, fernhill_id: UUID) -> None:
    """`owner`: who decides for Fernhill Studio."""
    found = organizations.get(session, fernhill_id)
    organizations.edit(
        session, owner, fernhill_id, name=found.name, legal_name=found.legal_name, billing_email=found.billing_email,
        time_zone=found.time_zone, accepts_applications=True,
    )  # fmt: skip
    for slug, kind, email, stated in _APPLICANTS:
        token = applications.apply(session, kind, slug, email, stated)
        if token is not None:
            applications.confirm(session, kind, token)
    token = consultants.apply(session, None, "priya@raman.example", _RAMAN, _EXPERTISE)
    if token is not None:
        applications.confirm(session, PayeeKind.CONSULTANT, token)
    spam = applications.newest(session, "sales@cheapleads.example")
    if spam is not None:
        applications.decline(session, owner, spam, "We do not buy address lists.")
