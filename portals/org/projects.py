"""Projects of the organization: assigned to contractors, edited, approved or given back, cancelled."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.core.errors import Conflict
from app.core.money import CURRENCIES, Money
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.earnings import service as earnings
from app.identity.states import Portal
from app.payees import queries as payees
from app.payees import service as payee_service
from app.payees.states import ProjectBilling
from app.projects import queries, rules, service
from app.projects.rules import ProjectForm
from app.projects.states import OPEN, ProjectStatus, RateKind
from portals.org import bp
from portals.shared import projects as shared
from portals.web.db import db
from portals.web.forms import BaseForm, MoneyField, OnceForm
from portals.web.guards import require
from portals.web.htmx import done, page

shared.mount(bp)
_PAID = (
    ("", _l("As agreed with the contractor")),
    ("approval", _l("After approval")),
    ("invoice", _l("After an invoice")),
)


class AssignmentForm(OnceForm):
    """`paid` is a ProjectBilling, "" as the engagement says."""

    contractor = SelectField(_l("Contractor"), choices=lambda: _contractors())
    title = StringField(_l("Title"), [InputRequired(_l("Give the project a title.")), Length(max=rules.LONGEST_TITLE)])
    description = TextAreaField(
        _l("Description"), [Optional(), Length(max=rules.LONGEST_DESCRIPTION)], render_kw={"rows": 6}
    )
    rate_kind = RadioField(
        _l("Rate"), choices=[("fixed", _l("One price for the project")), ("hourly", _l("By the hour"))], default="fixed"
    )
    rate = MoneyField(_l("Amount"), [InputRequired(_l("Enter an amount."))], currency_field="currency")
    currency = SelectField(_l("Currency"), choices=lambda: [(code, code) for code in sorted(CURRENCIES)])
    due_on = DateField(_l("Due"), [Optional()])
    paid = SelectField(_l("Paid"), choices=_PAID)
    version = HiddenField()

    def content(self, payee_id: UUID) -> ProjectForm:
        by_invoice = {"approval": False, "invoice": True}.get(self.paid.data)
        return ProjectForm(
            payee_id, self.title.data, self.rate.data, RateKind(self.rate_kind.data), self.description.data or "",
            self.due_on.data, by_invoice,
        )  # fmt: skip

    @property
    def seen(self) -> int | None:
        text = str(self.version.data or "")
        return int(text) if text.isdecimal() else None


class ReasonForm(BaseForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=rules.LONGEST_COMMENT)],
        description=_l("The contractor reads it."),
    )  # fmt: skip
    version = HiddenField()


class ApprovalForm(OnceForm):
    version = HiddenField()


class ReleaseForm(OnceForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Give a reason.")), Length(max=rules.LONGEST_NOTE)],
        description=_l("The contractor reads it."),
    )  # fmt: skip


def _contractors() -> list[tuple[str, str]]:
    if "contractors" not in g:
        g.contractors = queries.contractors(db(), g.organization.id)
    return [(str(row.payee_id), row.name) for row in g.contractors]


def _extra(row: AnyRow) -> dict[str, Any]:
    managing = g.actor.can(Permission.PROJECT_MANAGE)
    open_ = row.cancelled_at is None and queries.status(row) in OPEN
    return {
        "talking": managing,
        "editable": managing and open_,
        "reviewable": managing and open_ and queries.status(row) is ProjectStatus.SUBMITTED,
        "releasable": _waits_for_terms(row) and g.actor.can(Permission.EARNING_RELEASE),
    }


def _waits_for_terms(row: AnyRow) -> bool:
    """Approved and not payable yet. One that was billed waits as its bill does."""
    return row.request_id is None and row.available_at is not None


shared.EXTRA[Portal.ORG] = _extra


@bp.get("/projects/<uuid:project_id>")
@require(Permission.PROJECT_READ)
def project(project_id: UUID) -> ResponseReturnValue:
    return page("org/projects/project.html", **shared.details(shared.row_of(project_id)))


@bp.route("/projects/new", methods=["GET", "POST"])
@require(Permission.PROJECT_MANAGE)
def new_project() -> ResponseReturnValue:
    form = AssignmentForm(
        contractor=request.args.get("contractor", ""), currency=g.organization.currency, rate_kind="fixed", paid=""
    )
    if form.accepts():
        with form.refusals():
            made = service.assign(db(), g.actor, g.organization.id, form.content(UUID(form.contractor.data)))
            return done(back=url_for(".project", project_id=made.id), toast=(_("Project assigned"), made.title))
    return page(
        "org/projects/write.html", fragment="org/projects/_write.html", form=form, row=None,
        none=not _contractors(),
    )  # fmt: skip


@bp.route("/projects/<uuid:project_id>/edit", methods=["GET", "POST"])
@require(Permission.PROJECT_MANAGE)
def edit_project(project_id: UUID) -> ResponseReturnValue:
    row = shared.row_of(project_id)
    form = AssignmentForm(
        contractor=str(row.payee_id), title=row.title, description=row.description, rate_kind=row.rate_kind,
        rate=Money(row.rate_minor, row.currency), currency=row.currency, due_on=row.due_on, version=row.version,
        paid=ProjectBilling.INVOICE.value if row.by_invoice else ProjectBilling.APPROVAL.value,
    )  # fmt: skip
    form.contractor.choices = [(str(row.payee_id), row.payee_name)]
    if form.accepts():
        with form.refusals():
            content = form.content(row.payee_id)
            service.edit(db(), g.actor, g.organization.id, project_id, content, version=form.seen)
            return done(back=url_for(".project", project_id=project_id), toast=_("Changes saved"))
    return page("org/projects/write.html", fragment="org/projects/_write.html", form=form, row=row, none=False)


@bp.route("/projects/<uuid:project_id>/approval", methods=["GET", "POST"])
@require(Permission.PROJECT_MANAGE)
def project_approval(project_id: UUID) -> ResponseReturnValue:
    """What is owed by it is said first."""
    row = shared.row_of(project_id)
    form = ApprovalForm(version=row.version)
    if form.accepts():
        with form.refusals():
            service.approve(db(), g.actor, project_id, version=_seen(form))
            return done(back=url_for(".project", project_id=project_id), toast=(_("Approved"), row.title))
    return page(
        "org/projects/approval.html", fragment="org/projects/_approval.html", form=form, row=row,
        amount=queries.amount(row),
    )  # fmt: skip


_NOUNS = {"revision": service.request_revision, "cancellation": service.cancel}


@bp.route("/projects/<uuid:project_id>/<any(revision, cancellation):noun>", methods=["GET", "POST"])
@require(Permission.PROJECT_MANAGE)
def project_reason(project_id: UUID, noun: str) -> ResponseReturnValue:
    """Give submitted work back, or give the project up: with words the contractor reads."""
    row, form = shared.row_of(project_id), ReasonForm()
    if not form.is_submitted():
        form.version.data = row.version
    if form.accepts():
        with form.refusals():
            _NOUNS[noun](db(), g.actor, project_id, form.reason.data, version=_seen(form))
            words = {"revision": _("Revision requested"), "cancellation": _("Project cancelled")}
            return done(back=url_for(".project", project_id=project_id), toast=(words[noun], row.title))
    return page("org/projects/reason.html", fragment="org/projects/_reason.html", form=form, row=row, noun=noun)


@bp.route("/projects/<uuid:project_id>/release", methods=["GET", "POST"])
@require(Permission.EARNING_RELEASE)
def project_release(project_id: UUID) -> ResponseReturnValue:
    """Make an approved project payable before the terms have passed."""
    row, form = shared.row_of(project_id), ReleaseForm()
    if not _waits_for_terms(row):
        raise Conflict(_("This project does not wait for its payment terms."))
    if form.accepts():
        with form.refusals():
            earnings.release_early(db(), g.actor, g.organization.id, row.earning_id, form.reason.data)
            toast = (_("Ready to be paid"), _("%(number)s does not wait any more.", number=row.reference))
            return done(back=url_for(".project", project_id=project_id), toast=toast)
    return page(
        "org/projects/release.html", fragment="org/projects/_release.html", form=form, row=row,
        amount=queries.amount(row),
    )  # fmt: skip


def _seen(form: ReasonForm | ApprovalForm) -> int | None:
    text = str(form.version.data or "")
    return int(text) if text.isdecimal() else None


class BillingForm(BaseForm):
    billing = RadioField(
        _l("New projects are payable"),
        choices=[("approval", _l("as soon as they are approved")), ("invoice", _l("after an invoice for them"))],
    )


@bp.route("/payees/<uuid:payee_id>/project-billing", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def project_billing(payee_id: UUID) -> ResponseReturnValue:
    """What the engagement of a contractor says about projects; each project may say something else."""
    row = payees.detail(db(), g.organization.id, payee_id)
    now = next((c for c in queries.contractors(db(), g.organization.id) if c.payee_id == payee_id), None)
    form = BillingForm(billing=now.project_billing.value if now else "approval")
    if form.accepts():
        with form.refusals():
            billing = ProjectBilling(form.billing.data)
            payee_service.set_project_billing(db(), g.actor, g.organization.id, payee_id, billing)
            return done(back=url_for(".payee", payee_id=payee_id), toast=(_("Saved"), row.name))
    return page("org/projects/billing.html", fragment="org/projects/_billing.html", form=form, row=row)
