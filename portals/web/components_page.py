"""/dev/components: every part of the interface with its states, on invented names. Sandbox only; not in live mode."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, Response, abort, request, url_for
from flask_babel import gettext as _
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    FieldList,
    FormField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Email, InputRequired, Length, Optional

from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid
from app.core.money import Money
from app.core.settings import settings
from portals.web import nav, paging
from portals.web.charts import Chart, bar_chart
from portals.web.forms import LineForm, MoneyField, OnceForm
from portals.web.htmx import done, fragment, page, removed
from portals.web.status import VOCABULARY, badge_of

bp = Blueprint("components", __name__, url_prefix="/dev/components")
PORTALS = ("admin", "organization", "creator", "contractor", "vendor", "consultant", "client")
AVAILABLE = Money(341_250, "USD")


class BillLine(LineForm):
    description = StringField("Description", [InputRequired("Say what it was.")])
    quantity = StringField("Quantity", [InputRequired("It needs a quantity.")])
    price = StringField("Price", [InputRequired("It needs a price.")])


class SampleForm(OnceForm):
    """One field of each kind."""

    number = StringField("Bill number", [InputRequired("A bill has a number."), Length(max=40)])
    email = EmailField("Email", [Optional(), Email("This is not an e-mail address.")], description="For the receipt.")
    issued_on = DateField("Bill date", [Optional()])
    terms = SelectField(
        "Terms",
        choices=[SelectChoice("30", "Net 30"), SelectChoice("15", "Net 15"), SelectChoice("0", "Due on receipt")],
    )
    amount = MoneyField("Amount", [InputRequired("Write an amount.")], currency="USD")
    local_amount = MoneyField("Amount in shillings", [Optional()], currency="KES")
    note = TextAreaField("Note to Fernhill Studio", [Optional()])
    agree = BooleanField("Email me when money moves")
    speed = RadioField(
        "How fast",
        choices=[SelectChoice("standard", "Standard"), SelectChoice("instant", "Instant")],
        default="standard",
    )
    file = FileField("Bill as a file", [Optional()])
    lines = FieldList(FormField(BillLine), min_entries=1)


class WithdrawForm(OnceForm):
    amount = MoneyField("Amount", [InputRequired("Write an amount.")], currency="USD")
    speed = RadioField(
        "How fast",
        choices=[SelectChoice("standard", "Standard"), SelectChoice("instant", "Instant")],
        default="standard",
    )


class RejectForm(OnceForm):
    reason = TextAreaField("Reason", [InputRequired("Say why, the payee sees it.")])


@bp.before_request
def _sandbox_only() -> None:
    if not settings().sandbox:
        abort(404)
    portal = request.args.get("portal", "admin")
    nav.use_shell(_shell(portal if portal in PORTALS else "admin"))


def _shell(portal: str) -> nav.Shell:
    items = (
        nav.NavItem("Components", "palette", "components.index", tab=True),
        nav.NavItem("States of a form", "receipt", "components.sample", section="Forms", tab=True, short="Form"),
        nav.NavItem("Withdraw", "building-bank", "components.withdrawal", section="Forms", tab=True),
        nav.NavItem("Board", "layout-kanban", "components.board", section="Work", count="cards", tab=True),
        nav.NavItem("Sign-in look", "login", "components.auth", foot=True),
    )
    choices = tuple(
        nav.Choice(name.capitalize(), url_for("components.index", portal=name), current=name == portal)
        for name in PORTALS
    )
    return nav.Shell(
        portal=portal,
        label="Components",
        items=items,
        home_url=url_for("components.index"),
        tenant_name="Fernhill Studio",
        tenant_caption=f"{portal.capitalize()} accent",
        account_name="Noor Haddad",
        account_email="noor.haddad@quittance.test",
        sign_out_url=url_for("components.toast"),
        counts={"cards": 4},
        choices=choices,
        account_links=(("Settings", "settings", url_for("components.index")),),
        search_url=url_for("components.index"),
        search_label="Search payees, payouts…",
    )


def _bill(index: int, name: str, minor: int, state: str, **extra: Any) -> SimpleNamespace:
    moment = utc_now() - timedelta(hours=3 * index + 2)
    why_not = extra.pop("why_not", "")
    return SimpleNamespace(
        id=f"b{index}", name=name, amount=Money(minor, "USD"), state=state, at=moment, why_not=why_not, **extra
    )


def _bills() -> list[SimpleNamespace]:
    return [
        _bill(1, "Lumen Print Co.", 1_890_000, "needs_second", why_not="over $10,000, approve it on its own"),
        _bill(2, "Amara Okafor", 425_000, "pending"),
        _bill(3, "Jules Tremblay", 61_240, "pending"),
        _bill(4, "Northwind Studio", 708_000, "on_hold"),
        _bill(5, "Mei Tanaka", 8_815, "paid"),
        _bill(6, "Revision credit", -25_000, "cancelled"),
    ]


def _timeline() -> list[dict[str, str]]:
    return [
        {"state": "done", "title": "You asked for it", "note": "Wed, Nov 18 · 9:04 AM"},
        {"state": "done", "title": "Approved", "note": "Fernhill Studio · Wed, Nov 18 · 2:31 PM"},
        {"state": "now", "title": "On its way", "note": "Banks take 1–2 business days"},
        {"state": "todo", "title": "Arrives at Chase ••4417", "note": "Expected Tue, Nov 24"},
    ]


def _chart() -> Chart:
    weeks = [(date(2026, 9, 7) + timedelta(weeks=week), week) for week in range(8)]
    columns = [
        (f"{day:%b} {day.day}", [21_840 + 4_100 * week, 15_210 + 1_700 * (week % 3), 0 if week < 4 else 9_870])
        for day, week in weeks
    ]
    return bar_chart(
        "Commission by week",
        "Week of",
        ["Alder & Moss", "Pelican Coffee", "Sunday Ritual"],
        columns,
        currency="USD",
        summary="Stacked bars, one per week. Commission rose from $370.50 to $864.00. The table below has every value.",
    )


def _lanes() -> list[SimpleNamespace]:
    stages = ("upcoming", "in_progress", "submitted", "revise", "approved", "payout")
    may_go = {"upcoming": {"in_progress"}, "in_progress": {"submitted", "upcoming"}, "submitted": {"in_progress"}}
    titles = {
        "upcoming": [("FH-219", "Spring lookbook shot list", 90_000)],
        "in_progress": [("FH-216", "Loyalty email series", 145_000), ("FH-217", "Store signage set", 210_000)],
        "approved": [("FH-209", "Checkout copy pass", 120_000)],
    }
    lanes = []
    for stage in stages:
        cards = [
            SimpleNamespace(
                id=ref,
                ref=ref,
                title=title,
                url="#main",
                amount=Money(minor, "USD"),
                tag=("Due Tue, Nov 24", "amber", "calendar") if stage == "in_progress" else None,
            )
            for ref, title, minor in titles.get(stage, [])
        ]
        moves = [(to, badge_of("project", to), to in may_go.get(stage, ()), "") for to in stages if to != stage]
        total = Money(sum(card.amount.minor for card in cards), "USD") if cards else None
        lanes.append(
            SimpleNamespace(stage=stage, status=badge_of("project", stage), cards=cards, moves=moves, sum=total)
        )
    return lanes


@bp.get("/")
def index() -> Response:
    view = request.args.get("view", "open")
    neighbours = paging.Neighbours(newer=None, older=paging.url_with(cursor="sample"))
    return page(
        "dev/components/index.html",
        fragment="dev/components/_queue.html",
        vocabulary=VOCABULARY,
        bills=[] if view == "failed" else _bills(),
        view=view,
        neighbours=neighbours,
        timeline=_timeline(),
        chart=_chart(),
        form=SampleForm(formdata=None),
        withdraw=WithdrawForm(formdata=None),
        available=AVAILABLE,
        day=date(2026, 11, 20),
    )


@bp.get("/board")
def board() -> Response:
    return page("dev/components/board.html", lanes=_lanes())


@bp.post("/board/<ref>/stage")
def stage(ref: str) -> Response:
    if request.form.get("to") == "submitted" and ref == "FH-217":
        raise Conflict(_("Add the files first, then submit."))
    return done(fragment("dev/components/_announce.html"), back=url_for(".board"), toast=_("Card moved"))


@bp.get("/sign-in")
def auth() -> Response:
    return page("dev/components/auth.html", form=SampleForm(formdata=None))


@bp.route("/form", methods=["GET", "POST"])
def sample() -> Response:
    form = SampleForm()
    rows = request.form.get("rows", "")
    if rows == "add":
        form.lines.append_entry()
    elif rows.startswith("remove-") and rows[7:].isdecimal() and int(rows[7:]) < len(form.lines.entries):
        del form.lines.entries[int(rows[7:])]
    elif form.accepts():
        with form.refusals():
            if form.number.data == "LPC-1188":
                raise Invalid("Fix the number.", fields={"number": "LPC-1188 was already submitted on Nov 3."})
            return done(back=url_for(".index"), toast=("Bill sent", "Fernhill Studio has it now."))
    return page("dev/components/form.html", fragment="dev/components/_form.html", form=form)


@bp.route("/withdrawal", methods=["GET", "POST"])
def withdrawal() -> Response:
    form = WithdrawForm()
    if form.accepts():
        with form.refusals():
            if form.amount.data > AVAILABLE:
                raise Invalid("Too much.", fields={"amount": "That is more than your available balance of $3,412.50."})
            return done(
                fragment("dev/components/_withdrawn.html", target="#withdraw-form"),
                back=url_for(".index"),
                toast=("Withdrawal requested", "WD-3402 is waiting for Fernhill Studio."),
            )
    return page(
        "dev/components/withdrawal.html",
        fragment="dev/components/_withdraw.html",
        withdraw=form,
        available=AVAILABLE,
    )


@bp.post("/toast")
def toast() -> Response:
    return done(
        fragment("dev/components/_announce.html"),
        back=url_for(".index"),
        toast=("Payout approved", "$4,250.00 to Amara Okafor joins the 3:00 PM batch."),
    )


@bp.post("/fault")
def fault() -> Response:
    raise RuntimeError("a fault made on purpose")


@bp.get("/bills/<bill_id>")
def bill(bill_id: str) -> Response:
    found = next((item for item in _bills() if item.id == bill_id), None)
    if found is None:
        abort(404)
    return page("dev/components/bill.html", fragment="dev/components/_drawer.html", bill=found, timeline=_timeline())


@bp.post("/bills/approval")
def approvals() -> Response:
    chosen = [item for item in _bills() if item.id in request.form.getlist("id")]
    for item in chosen:
        item.state = "approved"
    rows = [fragment("dev/components/_row.html", bill=item) for item in chosen]
    return done(*rows, back=url_for(".index"), toast=f"{len(chosen)} approved")


@bp.route("/bills/<bill_id>/rejection", methods=["GET", "POST"])
def rejection(bill_id: str) -> Response:
    found = next((item for item in _bills() if item.id == bill_id), None)
    if found is None:
        abort(404)
    form = RejectForm()
    if form.accepts():
        return done(removed(f"#{bill_id}"), removed(f"#d-{bill_id}"), back=url_for(".index"), toast="Rejected")
    return page("dev/components/rejection.html", fragment="dev/components/_rejection.html", form=form, bill=found)


@bp.get("/progress")
def progress() -> Response:
    return page("dev/components/progress.html", fragment="dev/components/_progress.html")
