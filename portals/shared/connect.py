"""A Stripe account to be paid into: made or connected, set up on Stripe's pages, followed, let go.

The same pages in every payee's portal and for an organization's own account. Stripe is asked between two transactions,
and what it said is written down after.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin
from uuid import UUID, uuid4

from flask import Blueprint, g, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField

from app.core.countries import countries, country_name
from app.core.errors import Conflict
from app.core.settings import settings
from app.methods import bank_payouts, connect
from app.methods.connect_models import ConnectedAccount
from app.rails import stripe_accounts as stripe
from app.rails import stripe_codes
from app.rails.base import RailUnavailable
from app.rails.stripe_api import Refused
from app.rails.stripe_connect import ACROSS
from portals.web import headers
from portals.web.db import db, paused
from portals.web.forms import BaseForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, go, page

T = TypeVar("T")
View = Callable[..., ResponseReturnValue]
STATE = "stripe_state"


class SetUpForm(BaseForm):
    country = SelectField(_l("Your country"), choices=lambda: _countries(), default="")


def _countries() -> list[tuple[str, Any]]:
    named = countries()
    return [("", _("Choose")), *sorted(((code, named[code]) for code in ACROSS), key=lambda one: str(one[1]))]


def asked(call: Callable[[], T]) -> T:
    """Ask Stripe, outside of any transaction. Raises Conflict with what a person can do."""
    with paused():
        try:
            return call()
        except Refused as refusal:
            raise Conflict(f"{refusal.reason.message} {refusal.reason.cure}") from refusal
        except RailUnavailable as silence:
            raise Conflict(_("Stripe did not answer. Nothing was changed; try again in a minute.")) from silence


def set_up_link(payee_id: UUID, country: str, return_url: str, refresh_url: str) -> str:
    """The address of Stripe's set-up pages, for one visit; the account is made with the first one."""
    known = connect.live(db(), payee_id)
    account_id, actor = (known.account if known else None), g.actor
    new = connect.begin(db(), actor, payee_id, country) if account_id is None else None
    if account_id is not None:
        connect.may_connect(db(), actor, payee_id)

    def ask() -> tuple[stripe.Account | None, str]:
        made = stripe.create(new) if new is not None else None
        account = made.id if made is not None else str(account_id)
        return made, stripe.onboarding(account, uuid4().hex, return_url, refresh_url)

    made, url = asked(ask)
    if made is not None:
        connect.record(db(), actor, payee_id, made)
    return url


@dataclass(frozen=True)
class Pages:
    """`payee`: whose account it is; `back`: the endpoint of the list of payout methods, and `parent` its name."""

    payee: Callable[[], UUID]
    back: str
    parent: Any

    def show(self) -> ResponseReturnValue:
        """How the account stands, or what connecting one means."""
        payee_id = self.payee()
        form = SetUpForm()
        return self._page(payee_id, form)

    def _page(self, payee_id: UUID, form: BaseForm) -> ResponseReturnValue:
        account = connect.live(db(), payee_id)
        country = connect.country_of(db(), payee_id)
        payouts = bank_payouts.of_payee(db(), payee_id)
        if connect.offered():
            headers.allow(form_action=(headers.origin(stripe.page_origin()),))
        return page(
            "shared/connect/show.html",
            fragment="shared/connect/_form.html",
            form=form,
            account=account,
            standing=connect.standing(account) if account else "",
            country_of_account=country_name(account.country) if account else "",
            wanted=stripe_codes.wanted((*account.past_due, *account.currently_due)) if account else [],
            trouble=stripe_codes.disabled(account.disabled_reason) if account else "",
            country=countries().get(country) if country else None,
            refused="" if account or not country else connect.why_not(country),
            offered=connect.offered(),
            consent=connect.offered() and bool(stripe.client_id()),
            payouts=payouts,
            failures={one.reference: bank_payouts.why_failed(one) for one in payouts},
            back=self.back,
            parent=self.parent,
        )

    def set_up(self) -> ResponseReturnValue:
        """To Stripe's own pages. A link of theirs works once, so each click makes one."""
        form, payee_id = SetUpForm(), self.payee()
        if form.accepts():
            with form.refusals():
                return go(set_up_link(payee_id, form.country.data or "", here(".stripe_return"), here(".stripe_again")))
        return self._page(payee_id, form)

    def returned(self) -> ResponseReturnValue:
        """From Stripe's pages: finished, or left early. What is so is asked."""
        if self._read() is None:
            return go(url_for(".stripe"))
        return done(back=url_for(".stripe"), toast=_("Back from Stripe"))

    def again(self) -> ResponseReturnValue:
        """A link that was used or is too old leads here."""
        text = _("Go on with a new one.")
        return done(back=url_for(".stripe"), toast=(_("That link to Stripe was used already or is too old"), text))

    def look(self) -> ResponseReturnValue:
        """Ask Stripe how the account stands."""
        self._read()
        return done(back=url_for(".stripe"), toast=_("As Stripe tells it now"))

    def _read(self) -> ConnectedAccount | None:
        payee_id = self.payee()
        known = connect.live(db(), payee_id)
        if known is None:
            return None
        account, actor = known.account, g.actor
        connect.may_connect(db(), actor, payee_id)
        found = asked(lambda: stripe.read(account))
        if found is None:
            connect.disconnect(db(), actor, payee_id)
            return None
        return connect.record(db(), actor, payee_id, found)

    def dashboard(self) -> ResponseReturnValue:
        """Signed in to their dashboard at Stripe, once."""
        known = connect.live(db(), self.payee())
        if known is None or known.own_dashboard:
            return go(url_for(".stripe"))
        account = known.account
        return go(asked(lambda: stripe.dashboard(account, uuid4().hex)))

    def consent(self) -> ResponseReturnValue:
        """To Stripe, with an account they have already. The state comes back with them, once."""
        connect.may_connect(db(), g.actor, self.payee())
        if not stripe.client_id():
            raise Conflict(_("Accounts that exist already cannot be connected here."))
        state = cookie[STATE] = secrets.token_urlsafe(24)
        return go(stripe.consent_url(state, here(".stripe_connected")))

    def connected(self) -> ResponseReturnValue:
        """Back from consent, or from saying no."""
        expected, given = cookie.pop(STATE, ""), request.args.get("state", "")
        if not expected or not secrets.compare_digest(expected.encode(), given.encode()):
            raise Conflict(
                _("This answer of Stripe’s was not asked for from this browser, or was used already. Start again.")
            )
        code, payee_id, actor = request.args.get("code", ""), self.payee(), g.actor
        if not code:
            return done(back=url_for(".stripe"), toast=(_("Nothing was connected"), _("You said no at Stripe.")))
        connect.may_connect(db(), actor, payee_id)

        def ask() -> stripe.Account | None:
            return stripe.read(stripe.connect(code))

        found = asked(ask)
        if found is None:
            raise Conflict(_("Stripe did not connect the account. Start again."))
        connect.check_country(found.country)
        connect.record(db(), actor, payee_id, found)
        return done(back=url_for(".stripe"), toast=_("Your Stripe account is connected"))

    def end(self) -> ResponseReturnValue:
        """Asks first; what is on its way is not touched."""
        payee_id, form = self.payee(), BaseForm()
        known = connect.live(db(), payee_id)
        if known is None:
            return go(url_for(".stripe"))
        if form.accepts():
            account, own, actor = known.account, known.own_dashboard, g.actor
            connect.may_change(db(), actor, payee_id)
            if own:
                asked(lambda: stripe.let_go(account))
            connect.disconnect(db(), actor, payee_id)
            return done(back=url_for(self.back), toast=_("Your Stripe account is disconnected"))
        return page(
            "shared/connect/end.html",
            fragment="shared/connect/_end.html",
            form=form,
            back=self.back,
            parent=self.parent,
        )

    def mount(self, bp: Blueprint, base: str, guard: Callable[[View], View] = lambda view: view) -> None:
        """`guard`: what else the portal asks of who sees these pages."""

        def add(name: str, path: str, view: View, methods: tuple[str, ...], *, proved: bool = False) -> None:
            def called() -> ResponseReturnValue:
                return view()

            called.__name__ = name
            bp.route(base + path, methods=list(methods), endpoint=name)(
                guard(step_up_required(called) if proved else called)
            )

        add("stripe", "", self.show, ("GET",))
        add("stripe_set_up", "/set-up", self.set_up, ("POST",), proved=True)
        add("stripe_return", "/return", self.returned, ("GET",))
        add("stripe_again", "/again", self.again, ("GET",))
        add("stripe_look", "/standing", self.look, ("POST",))
        add("stripe_dashboard", "/dashboard", self.dashboard, ("POST",), proved=True)
        add("stripe_consent", "/consent", self.consent, ("POST",), proved=True)
        add("stripe_connected", "/connected", self.connected, ("GET",))
        add("stripe_end", "/end", self.end, ("GET", "POST"), proved=True)


def here(endpoint: str) -> str:
    """Where Stripe sends people back to."""
    return urljoin(f"{settings().base_url}/", url_for(endpoint))
