"""Mail from templates: a text and an HTML part for each of `templates/mail/<name>.txt` and `.html`.

A context is JSON, as it is kept with the queued mail: amounts are {"minor": 12345, "currency": "GBP"} (see
`amount_value`), days and moments ISO 8601 text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.core.formats import format_day, format_money
from app.core.money import Money
from app.core.settings import settings

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "mail"
# What each template needs; after it what it can also show. Any context may say its reader's `locale`.
CONTEXTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    name: (frozenset(needed.split()), frozenset(optional.split()))
    for name, needed, optional in (
        ("sign_in", "name portal minutes link", ""),
        ("password_reset", "name portal minutes link", ""),
        ("password_changed", "name portal sign_in_url", ""),
        ("second_factor", "name portal what security_url", ""),
        ("address_link", "name portal minutes old link", ""),
        ("address_changed", "name portal what old new security_url", ""),
        ("application_link", "name organization days link", ""),
        ("asked_to_join", "name organization portal days link", ""),
        ("application_declined", "name organization reason", ""),
        ("invitation", "name portal minutes inviter link", ""),
        ("member_invitation", "name organization inviter role what days link", "booking_url"),
        ("member_news", "name organization news url button", ""),
        ("request_received", "name organization payee reference amount url", ""),
        ("request_approved", "name organization reference amount url", "requested reason answer_by"),
        ("request_answered", "name organization payee reference amount agreed word url", "reason"),
        ("request_rejected", "name organization reference amount reason url", ""),
        ("requests_decided", "name organization word bills totals url", "reason"),
        ("project_news", "name news project reference url", "reason"),
        ("engagement_changed", "name news follows url", "reason"),
        ("deliverable_assigned", "name news deliverable reference url", "due_on fee reason"),
        ("deliverable_submitted", "name news deliverable reference url", "due_on fee reason"),
        ("deliverable_reviewed", "name news deliverable reference url", "due_on fee reason"),
        ("deliverable_due", "name news deliverable reference url", "due_on fee reason"),
        (
            "payout_paid",
            "name organization payout amount method url",
            "on statement_reference period_start period_end sessions appointments earnings_url",
        ),
        ("payout_failed", "name organization payout amount message url", "cure"),
        ("payout_waiting", "name organization payout amount message url", "cure"),
        ("method_changed", "name what label last4", "usable_from cooling_off url"),
        ("bank_notice", "name label last4 said", "url"),
        ("desk_items", "name says url", "more"),
        ("batch_submitted", "name organization batch submitted_by payouts totals url", ""),
        ("messages_unread", "name sender subject count quotes url", ""),
        ("contract_to_sign", "name organization contract expires_on url", "reminder"),
        ("contract_code", "name organization contract minutes code", ""),
        ("contract_news", "name contract what url", "reason"),
        ("contract_sealed", "name organization payee contract sha256 url verify_url", ""),
        ("consultation_booked", "name title consultant starts price policy url", "video_url"),
        ("consultation_moved", "name title consultant starts policy url", "video_url"),
        ("consultation_cancelled", "name title consultant starts what url", "refund"),
        ("consultation_review", "name title consultant url", ""),
        ("consultation_new", "name title client starts url", "video_url"),
        ("consultation_news", "name title client starts what url", "reason"),
        ("credits_ending", "name organization number title last_day url", ""),
        ("invoice_issued", "name organization what number amount url", "due_on of_number reason"),
        ("invoice_overdue", "name organization what number amount due_on days url", ""),
        ("limit_near", "name organization used limit left url", ""),
        ("deposit_confirmed", "name organization amount reference url", "balance"),
    )
}
_BREAKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")  # a no-break space is no break


class MissingContext(ValueError):
    """A mail cannot be written without these; the message names them."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Both bodies of one mail. They may hold a link that signs somebody in: never log them."""

    text: str = field(repr=False)
    html: str = field(repr=False)


def amount_value(amount: Money) -> dict[str, Any]:
    """An amount as a context holds it."""
    return {"minor": amount.minor, "currency": amount.currency}


def render(template: str, context: Mapping[str, Any]) -> Rendered:
    """Write one mail. Raises MissingContext for an unknown template or a context with holes."""
    if template not in CONTEXTS:
        raise MissingContext(f"there is no mail template {template}")
    needed, optional = CONTEXTS[template]
    if missing := needed - set(context):
        raise MissingContext(f"{template} needs {', '.join(sorted(missing))}")
    values: dict[str, Any] = {name: context.get(name) for name in needed | optional}
    values["locale"] = context.get("locale") or "en_US"
    values["unsubscribe_url"] = context.get("unsubscribe_url")
    values["sandbox"] = settings().sandbox
    values["base_url"] = settings().base_url
    return Rendered(
        text=_texts().get_template(f"{template}.txt").render(values).strip() + "\n",
        html=_pages().get_template(f"{template}.html").render(values),
    )


def one_line(text: str) -> str:
    """Without line breaks and control characters: for subjects, names and lines of plain text."""
    return _BREAKS.sub(" ", text).strip(" ")


@cache
def _pages() -> Environment:
    return _environment()


@cache
def _texts() -> Environment:
    made = _environment()
    # A name with a line break in it must not look like a line of ours.
    made.finalize = lambda value: one_line(value) if isinstance(value, str) else value
    return made


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["money"] = _money
    made.filters["day"] = _day
    made.filters["span"] = _span
    return made


def _money(value: Mapping[str, Any] | str, locale: str) -> str:
    """Text passes: it was written for its reader already."""
    if isinstance(value, str):
        return value
    return format_money(
        Money(value["minor"], value["currency"]), locale, code=value["currency"] not in ("USD", "GBP", "EUR")
    )


def _day(value: str, locale: str) -> str:
    day = datetime.fromisoformat(value).date() if len(value) > 10 else date.fromisoformat(value)
    return format_day(day, locale)


def _span(minutes: int) -> str:
    """ "15 minutes", "2 hours", "7 days": the largest unit that fits without a rest."""
    size, unit = next(
        ((size, unit) for size, unit in ((1440, "day"), (60, "hour")) if minutes >= size and minutes % size == 0),
        (1, "minute"),
    )
    count = minutes // size
    return f"{count} {unit}{'' if count == 1 else 's'}"
