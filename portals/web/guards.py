"""Who may come in: one guard per portal, put on its blueprint once. Views behind it find `g.actor` and a scoped `db()`.

    bp = Blueprint("vendor", __name__, url_prefix="/vendor")
    portal_guard(bp, Portal.VENDOR, items=ITEMS)

Not signed in: to that portal's sign-in page and back. Signed in to another portal: 404, as if there were nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

from flask import Blueprint, Response, current_app, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.audit import service as audit
from app.consultations.privacy import first_name
from app.core.errors import Forbidden, NotFound
from app.core.scope import Actor, Permission, Scope
from app.core.settings import settings
from app.identity.api_keys import Program
from app.identity.sessions import SignedIn
from app.identity.states import Portal
from app.organizations import member_queries, second_factors
from app.organizations import queries as organizations
from portals.web import htmx, idempotency, session
from portals.web.appearance import back_url
from portals.web.db import db, use_scope
from portals.web.frame import Frame, frame

P = ParamSpec("P")


_frames: dict[Portal, Frame] = {}


def portal_guard(bp: Blueprint, portal: Portal, **look: Any) -> None:
    """Guard every route of `bp`. `look`: items, counts, tenant, search — see `portals.web.frame.Frame`."""
    if look or portal not in _frames:  # a second blueprint of a portal shares the first one's frame
        _frames[portal] = Frame(portal, **look)
    if portal is Portal.ORG:
        bp.url_value_preprocessor(_take_slug)
        bp.url_defaults(_give_slug)
    bp.before_request(lambda: enter(portal))


def enter(portal: Portal) -> ResponseReturnValue | None:
    """Let the signed-in person of this portal through; else the answer to send instead. Raises NotFound."""
    found = session.signed_in()
    if found is None:
        return htmx.signed_out(sign_in_url(portal))
    if found.portal is not portal:
        raise NotFound(_("There is nothing here. It may have been removed, or the address is wrong."))
    admit(found)
    if _owes_set_up(found):
        return _set_up_first(portal)
    frame(_frames.get(portal) or Frame(portal))
    return idempotency.begin(found.account_id)


def _owes_set_up(found: SignedIn) -> bool:
    """Whether a second step has to be set up before anything else: the pages to do so stay open."""
    if not settings().require_second_factor or found.portal not in (Portal.ORG, Portal.ADMIN):
        return False
    blueprint, _dot, name = (request.endpoint or "").rpartition(".")
    own_pages = blueprint == f"{found.portal.value}_auth" and name != "chooser"
    return not own_pages and second_factors.is_missing(db(), found)


def _set_up_first(portal: Portal) -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        raise Forbidden(_("Set up a second step of signing in first, under Sign-in and security."))
    return htmx.go(url_for(f"{portal.value}_auth.security"))


def sign_in_url(portal: Portal) -> str:
    """The portal's sign-in page, which leads back to what was asked for; after a POST, to the page it came from."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not htmx.is_htmx() else back_url("")
    own = wanted.startswith(session.portal_url(portal) + "/")
    return url_for(f"{portal.value}_auth.sign_in", next=wanted if own else None)


def admit(found: SignedIn) -> None:
    """Set account, actor and scope of this request. Raises NotFound for an organization that is not theirs."""
    session.read_as(found)
    audit.request_id.set(g.get("request_id"))
    if found.portal is Portal.ORG:
        _admit_member(found)
        return
    # A client's label stands in timelines that consultants read: the first name, nothing more.
    role, scope, label = "client", Scope.client(found.account_id), found.name
    if found.portal is Portal.CLIENT:
        label = first_name(found.name)
    elif found.portal is Portal.ADMIN:
        role, scope = "platform_admin", Scope.platform("admin portal")
    elif found.payee_id is not None:
        role, scope = "payee", Scope.payee(found.payee_id)
    g.actor = Actor(
        label=label, role=role, account_id=found.account_id, payee_id=found.payee_id, ip=request.remote_addr
    )
    use_scope(scope)


def enter_organization(organization_id: UUID) -> ResponseReturnValue | None:
    """As `enter`, where the address of a program has the organization's id. Raises NotFound when it is not theirs."""
    found = session.signed_in()
    memberships = organizations.memberships(db(), found.account_id) if found and found.portal is Portal.ORG else []
    mine = next((m for m in memberships if m.organization_id == organization_id), None)
    g.slug = mine.slug if mine else ""
    return enter(Portal.ORG)


def admit_program(program: Program) -> ResponseReturnValue | None:
    """Set actor and scope for a signed call."""
    g.tz, g.locale = "UTC", "en_US"
    g.actor = Actor(
        label=f"API key “{program.name}”",
        role="program",
        organization_id=program.organization_id,
        ip=request.remote_addr,
        extra=program.permissions,
    )
    audit.request_id.set(g.get("request_id"))
    mine = program.organization_id
    use_scope(Scope.platform("a program of the platform") if mine is None else Scope.organization(mine))
    return idempotency.begin(program.key_id)


def _admit_member(found: SignedIn) -> None:
    g.memberships = organizations.memberships(db(), found.account_id)
    slug: str | None = g.get("slug")
    if slug is None:  # the chooser and the settings of the account belong to no organization
        g.actor = Actor(label=found.name, role="account", account_id=found.account_id, ip=request.remote_addr)
        return
    mine = next((m for m in g.memberships if m.slug == slug), None)
    if mine is None:
        raise NotFound(_("There is no organization “%(slug)s”.", slug=slug))
    g.membership = mine
    g.actor = Actor(
        label=found.name,
        role=mine.role.value,
        account_id=found.account_id,
        organization_id=mine.organization_id,
        rank=mine.rank,
        ip=request.remote_addr,
    )
    use_scope(Scope.organization(mine.organization_id))
    g.organization = organizations.by_slug(db(), slug)


def _take_slug(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.slug = values.pop("slug", None) if values else None


def _give_slug(endpoint: str, values: dict[str, Any]) -> None:
    """`url_for("org.bills")` needs no slug inside an organization."""
    if g.get("slug") and "slug" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "slug"):
        values["slug"] = g.slug


def require(permission: Permission) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Refuse a view to roles without `permission`, naming the role and whom to ask. Services check again."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not g.actor.can(permission):
                raise Forbidden(_why_not(permission))
            return view(*args, **kwargs)

        return checked

    return decorate


def _why_not(permission: Permission) -> str:
    if "membership" not in g:
        return _("This is not part of what you can do here.")
    people = member_queries.whom_to_ask(db(), g.organization.id, permission)
    if not people:
        return _("Your role here is %(role)s, which does not include this.", role=g.membership.role.label)
    return _(
        "Your role here is %(role)s, which does not include this. Ask %(people)s.",
        role=g.membership.role.label,
        people=_(" or ").join(people),
    )


def step_up_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Before money moves or a method changes: whoever signed in a while ago proves again who they are."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if session.is_stepped_up():
            return view(*args, **kwargs)
        return step_up()

    return checked


def step_up() -> Response:
    """Send the browser to the page that asks for proof, and back afterwards."""
    idempotency.release()
    portal: Portal = g.account.portal
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not htmx.is_htmx() else back_url("")
    return htmx.go(url_for(f"{portal.value}_auth.step_up", next=wanted or None))
