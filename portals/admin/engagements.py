"""The platform suspends what one organization and one payee have with each other, and takes it up again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import NotFound
from app.organizations import queries as organizations
from app.payees import queries, service
from app.payees.rules import LONGEST_REASON
from app.payees.states import EngagementStatus
from portals.admin import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page


class ReasonForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Give a reason.")), Length(max=LONGEST_REASON)],
        description=_l("The payee and the organization read it."),
    )


class ResumeForm(BaseForm):
    """Nothing to fill in: going on needs no reason."""


_MOVES = {"suspension": EngagementStatus.SUSPENDED, "resumption": EngagementStatus.ACTIVE}


@bp.route(
    "/payees/<uuid:payee_id>/engagements/<uuid:organization_id>/<any(suspension, resumption):noun>",
    methods=["GET", "POST"],
)
def engagement(payee_id: UUID, organization_id: UUID, noun: str) -> ResponseReturnValue:
    """What the platform suspended, the organization cannot take up again."""
    card = queries.card(db(), payee_id)
    payer = next((one for one in organizations.payers(db(), payee_id) if one.organization_id == organization_id), None)
    if payer is None:
        raise NotFound(_("This organization does not engage this payee."))
    form: Any = ResumeForm() if noun == "resumption" else ReasonForm()
    if form.accepts():
        with form.refusals():
            reason = form.reason.data if noun == "suspension" else ""
            service.set_status(db(), g.actor, organization_id, payee_id, _MOVES[noun], reason=reason)
            said = _("Suspended") if noun == "suspension" else _("Active again")
            return done(back=url_for(".payee", payee_id=payee_id), toast=(said, f"{card.name} · {payer.name}"))
    return page(
        "admin/payees/engagement.html",
        fragment="admin/payees/_engagement.html",
        form=form,
        payee=card,
        payer=payer,
        noun=noun,
    )
