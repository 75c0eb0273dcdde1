"""The later steps of the wizard: how it pays, how it shares, who is invited, and the launch."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.billing import profiles
from app.core.countries import country_name
from app.core.errors import Conflict, Invalid, NotFound, SwitchedOff
from app.core.rates import WHOLE_BPS
from app.core.settings import settings
from app.earnings import launching, rates
from app.files import queries as files
from app.files import service as stored
from app.files.models import FilePurpose
from app.organizations import drafts, steps
from app.organizations.states import BillingMode, Role
from app.organizations.steps import Step
from portals.org.wizard import TITLES, bp, saved_step, step_page, step_url
from portals.org.wizard_forms import KINDS, MODES, TEAM, DocumentsForm, ModeForm, RatesForm, TeamForm, terms_text
from portals.shared.billing_details import region_name
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.htmx import done


def _has(step: Step) -> None:
    """Raises NotFound where the chosen kind has no such step."""
    if step not in steps.steps_of(g.organization.kind):
        raise NotFound(_("This kind of organization has no such step."))


@bp.route("/<uuid:organization_id>/billing", methods=["GET", "POST"])
def billing(organization_id: UUID) -> ResponseReturnValue:
    _has(Step.BILLING)
    profile = profiles.find(db(), organization_id)
    form = ModeForm(
        mode=g.organization.billing_mode.value if Step.BILLING.value in g.draft.steps else None,
        terms_days=profile.terms_days if profile else 30,
        email=(profile.email if profile else "") or g.account.email,
        reference=profile.reference if profile else "",
    )
    if form.accepts():
        with form.refusals():
            drafts.choose_billing(db(), g.actor, organization_id, BillingMode(form.mode.data))
            profiles.set_contact(
                db(), g.actor, organization_id, email=form.email.data or "", reference=form.reference.data or "",
                terms_days=form.terms_days.data,
            )  # fmt: skip
            return saved_step(Step.BILLING)
    return step_page(Step.BILLING, form=form, modes=MODES)


@bp.route("/<uuid:organization_id>/rates", methods=["GET", "POST"], endpoint="rates")
def shared_rates(organization_id: UUID) -> ResponseReturnValue:
    _has(Step.RATES)
    now = rates.of_organization(db(), organization_id)
    own = now.organization_bps if g.draft.organization_bps is None else g.draft.organization_bps
    form = RatesForm(
        organization_bps=f"{own / 100:g}",
        consultant_bps=f"{(WHOLE_BPS - now.platform_bps - own) / 100:g}",
        auto_approve=g.organization.auto_approve_consultants,
    )
    if form.accepts():
        with form.refusals():
            drafts.choose_rates(
                db(), g.actor, organization_id, organization_bps=form.own(now.platform_bps),
                auto_approve=form.auto_approve.data,
            )  # fmt: skip
            return saved_step(Step.RATES)
    return step_page(Step.RATES, form=form, platform=f"{now.platform_bps / 100:g}")


@bp.route("/<uuid:organization_id>/team", methods=["GET", "POST"])
def team(organization_id: UUID) -> ResponseReturnValue:
    named = {
        name: "\n".join(one["email"] for one in g.draft.invitees if one["role"] == role.value)
        for name, role in TEAM.items()
    }
    form = TeamForm(**named)
    if not settings().provider_orgs:
        del form.support
    if form.accepts():
        with form.refusals():
            try:
                drafts.choose_team(db(), g.actor, organization_id, form.invitees())
            except Invalid as refusal:
                raise form.place(refusal) from None
            return saved_step(Step.TEAM)
    return step_page(Step.TEAM, form=form)


@bp.route("/<uuid:organization_id>/review", methods=["GET", "POST"])
def review(organization_id: UUID) -> ResponseReturnValue:
    """All of it once more, documents, and the launch."""
    form, status = OnceForm(), None
    if form.accepts():
        try:
            made = launching.launch(db(), g.actor, organization_id)
            toast = (_("%(name)s is launched", name=made.name), _("Whom you named is invited by mail."))
            return done(back=f"/org/{made.slug}/", toast=toast)
        except (Conflict, SwitchedOff) as refusal:
            form.form_errors.append(_missing_text() or refusal.message)
            status = refusal.status
    return _review_page(organization_id, DocumentsForm(formdata=None), form=form, status=status)


def _missing_text() -> str:
    lacking = steps.missing(g.organization.kind, g.draft.steps)
    return (
        _("Something is missing: %(steps)s.", steps=", ".join(str(TITLES[one]) for one in lacking)) if lacking else ""
    )


def _review_page(organization_id: UUID, upload: DocumentsForm, **more: object) -> ResponseReturnValue:
    profile = profiles.find(db(), organization_id)
    own = g.draft.organization_bps
    platform = rates.of_organization(db(), organization_id).platform_bps
    parts = None if own is None else [f"{bps / 100:g} %" for bps in (platform, own, WHOLE_BPS - platform - own)]
    return step_page(
        Step.REVIEW, upload=upload, profile=profile, region=region_name(profile) if profile else "",
        country=country_name(profile.country) if profile else "",
        kind_label=KINDS[g.organization.kind][0], mode_label=MODES[g.organization.billing_mode][0],
        terms=terms_text(profile.terms_days) if profile else "", parts=parts,
        invited=[(one["email"], Role(one["role"]).label) for one in g.draft.invitees],
        documents=files.of_subject(db(), organization_id),
        missing=[(TITLES[one], step_url(one)) for one in steps.missing(g.organization.kind, g.draft.steps)],
        urls={one.value: step_url(one) for one in steps.steps_of(g.organization.kind)}, **more,
    )  # fmt: skip


@bp.post("/<uuid:organization_id>/documents")
def documents(organization_id: UUID) -> ResponseReturnValue:
    form = DocumentsForm()
    if form.accepts_with_files():
        with form.refusals():
            if not form.uploads:
                raise Invalid(_("Choose a file."), fields={"files": _("Choose a file.")})
            if len(files.of_subject(db(), organization_id)) + len(form.uploads) > form.most_files:
                raise Invalid("", fields={"files": _("Five documents are enough here.")})
            for upload in form.uploads:
                stored.add(
                    db(), g.actor, upload.inspected, upload.key, organization_id=organization_id,
                    purpose=FilePurpose.ATTACHMENT, subject_id=organization_id,
                )  # fmt: skip
            return done(back=step_url(Step.REVIEW), toast=_("Kept"))
    return _review_page(organization_id, form, form=OnceForm(formdata=None))


@bp.post("/<uuid:organization_id>/documents/<uuid:file_id>/removal")
def document_removal(organization_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """Raises NotFound for a file that is no document of the draft."""
    if stored.find(db(), file_id).subject_id != organization_id:
        raise NotFound(_("There is no such file."))
    stored.remove(db(), g.actor, file_id)
    return done(back=url_for(".review", organization_id=organization_id), toast=_("Removed"))
