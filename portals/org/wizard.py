"""Opening an organization: a draft from the first step on, one page a step, each saved, left and resumed as one likes.

The draft belongs to its owner alone. Launched, its address leads to the organization.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.billing import profiles
from app.core.errors import NotFound
from app.core.scope import Scope
from app.core.settings import settings
from app.identity.states import Portal
from app.organizations import drafts, rules
from app.organizations.states import OrganizationKind, OrganizationStatus, Role
from app.organizations.steps import Step, after, next_open, steps_of
from portals.org.wizard_forms import KINDS, IdentityForm, KindForm
from portals.shared.billing_details import indian_states, said, show_logo
from portals.web import guards
from portals.web.db import db, use_scope
from portals.web.frame import theme_of
from portals.web.htmx import done, page

bp = Blueprint("org_wizard", __name__, url_prefix="/org/new")
TITLES = {
    Step.IDENTITY: _l("Who you are"),
    Step.KIND: _l("What for"),
    Step.BILLING: _l("Billing"),
    Step.RATES: _l("Rates"),
    Step.TEAM: _l("Team"),
    Step.REVIEW: _l("Review"),
}


@bp.before_request
def _enter() -> ResponseReturnValue | None:
    """Raises NotFound for a draft of somebody else. What is launched is gone to."""
    organization_id: UUID | None = (request.view_args or {}).get("organization_id")
    if organization_id is None:
        return guards.enter(Portal.ORG)
    answer = guards.enter_organization(organization_id)
    if answer is not None:
        return answer
    if g.organization.status is not OrganizationStatus.DRAFT:
        return redirect(f"/org/{g.slug}/", 303)
    if g.membership.role is not Role.OWNER:
        raise NotFound(_("There is no such draft."))
    g.draft = drafts.of(db(), organization_id)
    return None


def step_page(step: Step, **context: object) -> ResponseReturnValue:
    """A page of the wizard with the steps above it; `fragment` is its form."""
    kind = g.organization.kind if "organization" in g else OrganizationKind.BUYER
    saved = g.draft.steps if "draft" in g else []
    ladder = [
        {
            "state": "now" if one is step else "done" if one.value in saved else "todo",
            "title": TITLES[one],
            "note": "",
            "url": step_url(one) if "draft" in g else "",
        }
        for one in steps_of(kind)
    ]
    return page(
        f"org/wizard/{step.value}.html", fragment=f"org/wizard/_{step.value}.html", portal=theme_of(Portal.ORG),
        step=step, ladder=ladder, title=TITLES[step], back_to=_back(kind, step), **context,
    )  # fmt: skip


def _back(kind: OrganizationKind, step: Step) -> str:
    """The step before; "" on the first."""
    before = steps_of(kind)[: steps_of(kind).index(step)]
    return step_url(before[-1]) if before else ""


def step_url(step: Step) -> str:
    return url_for(f"org_wizard.{step.value}", organization_id=g.organization.id)


def saved_step(step: Step) -> ResponseReturnValue:
    """On to the next one."""
    return done(back=step_url(after(g.organization.kind, step)))


@bp.route("/", methods=["GET", "POST"])
def start() -> ResponseReturnValue:
    """The first step makes the draft."""
    form = IdentityForm(time_zone=g.account.time_zone)
    if form.accepts_with_files():
        picture = form.picture()
        with form.refusals():
            made = drafts.start(
                db(), g.actor, owner=g.account.name, email=g.account.email, identity=form.identity()
            )  # fmt: skip
            use_scope(Scope.organization(made.id))
            owner = drafts.owner_of(g.actor, made.id)
            profiles.save(db(), owner, made.id, form.details())
            if picture:
                profiles.set_logo(db(), owner, made.id, picture)
            return done(back=url_for(".kind", organization_id=made.id))
    return _identity_page(form, url_for(".start"))


@bp.get("/slug")
def slug() -> ResponseReturnValue:
    """Whether a short name is free, asked while it is typed; `organization`: the draft that has it now."""
    wanted = request.args.get("slug", "").strip()[:100]
    own = request.args.get("organization", type=UUID)
    mine = own if own in {one.organization_id for one in g.memberships} else None
    free = drafts.slug_is_free(db(), wanted, mine)
    proposal = "" if free else rules.slug_of(wanted) if wanted and rules.slug_of(wanted) != wanted else ""
    return page(
        "org/wizard/slug.html", fragment="org/wizard/_slug.html", portal=theme_of(Portal.ORG), wanted=wanted, free=free,
        proposal=proposal,
    )  # fmt: skip


@bp.get("/<uuid:organization_id>/")
def resume(organization_id: UUID) -> ResponseReturnValue:
    """Where it was left."""
    return redirect(step_url(next_open(g.organization.kind, g.draft.steps)), 303)


@bp.route("/<uuid:organization_id>/identity", methods=["GET", "POST"])
def identity(organization_id: UUID) -> ResponseReturnValue:
    profile = profiles.find(db(), organization_id)
    form = IdentityForm(obj=g.organization, data=said(profile))
    if form.accepts_with_files():
        picture = form.picture()
        with form.refusals():
            drafts.save_identity(db(), g.actor, organization_id, form.identity())
            profiles.save(db(), g.actor, organization_id, form.details())
            if picture or form.no_logo.data:
                profiles.set_logo(db(), g.actor, organization_id, picture)
            return saved_step(Step.IDENTITY)
    return _identity_page(form, step_url(Step.IDENTITY), profile.logo_sha256 if profile else None)


def _identity_page(form: IdentityForm, action: str, logo_sha256: str | None = None) -> ResponseReturnValue:
    return step_page(Step.IDENTITY, form=form, action=action, logo_sha256=logo_sha256, states=indian_states())


@bp.get("/<uuid:organization_id>/logo")
def logo(organization_id: UUID) -> ResponseReturnValue:
    return show_logo(*profiles.logo(db(), organization_id))


@bp.route("/<uuid:organization_id>/kind", methods=["GET", "POST"])
def kind(organization_id: UUID) -> ResponseReturnValue:
    chosen = g.organization.kind.value if Step.KIND.value in g.draft.steps else None
    form = KindForm(kind=chosen)
    if not settings().provider_orgs:
        form.lock()
    if form.accepts():
        drafts.choose_kind(db(), g.actor, organization_id, OrganizationKind(form.kind.data))
        return saved_step(Step.KIND)
    return step_page(Step.KIND, form=form, kinds=KINDS, locked=not settings().provider_orgs)


from portals.org import wizard_steps  # noqa: E402,F401 - the later steps
