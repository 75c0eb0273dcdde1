"""The mail queue: what was promised to whom, and what became of it. What a mail says, and its links, stay closed."""

from __future__ import annotations

from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.identity.states import Portal
from app.notify import post
from app.notify.models import MailStatus
from app.notify.post import MailFilter
from app.notify.rendering import CONTEXTS
from portals.admin import asking, bp
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.htmx import done, page

LABELS = {MailStatus.QUEUED: _l("Waiting"), MailStatus.SENT: _l("Sent"), MailStatus.FAILED: _l("Failed")}


class ResendForm(BaseForm):
    """Nothing to fill in."""


@bp.get("/mail")
def mail() -> ResponseReturnValue:
    return _queue(None)


@bp.get("/creators/communications")
def communications() -> ResponseReturnValue:
    """The same queue, of mails to people who sign in as creators."""
    return _queue(Portal.CREATOR)


def _queue(portal: Portal | None) -> ResponseReturnValue:
    args, want = request.args, paging.wanted()
    organization = asking.organization_named(args.get("organization", ""))
    chosen = MailFilter(
        status=asking.one_of(MailStatus, args, "status"),
        template=args.get("template", "") if args.get("template") in CONTEXTS else "",
        to=args.get("to", "").strip()[:254],
        organization_id=organization.id if organization else None,
        portal=portal,
    )
    found = post.mails(db(), chosen, want.cursor, want.limit)
    return page(
        "admin/mail/index.html",
        fragment="admin/mail/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        chosen=chosen,
        address=request.path,
        of_creators=portal is not None,
        labels=LABELS,
        templates=sorted(CONTEXTS),
        organization=organization,
        counts={} if htmx.wants_fragment() else post.counts(db(), portal),
        subjects={row.id: post.subject_shown(row) for row in found.items},
        why_not={row.id: post.why_not(row, row.template) for row in found.items},
        names={row.id: row.name for row in asking.organization_choices()},
        url_with=paging.url_with,
    )


@bp.route("/mail/<uuid:mail_id>/resend", methods=["GET", "POST"])
def mail_resend(mail_id: UUID) -> ResponseReturnValue:
    """What became of a mail, and sending it once more as one of its own; who did it is on the audit trail."""
    row, form = post.mail(db(), mail_id), ResendForm()
    if form.accepts():
        with form.refusals():
            post.resend(db(), g.actor, mail_id)
            return done(back=url_for(".mail", to=row.to_address), toast=(_("Sent once more"), row.to_address))
    refused = post.why_not(row, row.template)
    return page(
        "admin/mail/resend.html", fragment="admin/mail/_resend.html", form=form, row=row, refused=refused,
        subject=post.subject_shown(row),
    )  # fmt: skip
