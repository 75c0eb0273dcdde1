"""Help: short answers to what payees ask, with search. What depends on a rail is read from the rail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.earnings.rules import ACCEPTANCE
from app.methods.rules import COOL_OFF
from app.rails import registry
from portals.shared.payee import payers
from portals.web.htmx import page

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Answer:
    """`link` is (label, address) of where to go on."""

    id: str
    question: str
    text: str
    link: tuple[str, str] | None = None


def help() -> ResponseReturnValue:
    words = request.args.get("q", "").strip()[:100]
    found = _matching(answers(), words) if words else answers()
    return page("shared/payee/help/index.html", fragment="shared/payee/help/_answers.html", answers=found, q=words)


def _matching(known: list[Answer], words: str) -> list[Answer]:
    """Best first. A word counts by how few answers have it (so "how do I" counts little in any language), twice in a
    question; what has less than half of the best is left out.
    """
    asked = [re.compile(rf"\b{re.escape(word)}") for word in set(_WORD.findall(words.casefold()))]
    texts = {one.id: (one.question.casefold(), one.text.casefold()) for one in known}
    rarity = {word: sum(1 for text in texts.values() if any(map(word.search, text))) for word in asked}

    def score(one: Answer) -> float:
        question, text = texts[one.id]
        return sum(
            (2 if word.search(question) else 1) / rarity[word]
            for word in asked
            if word.search(question) or word.search(text)
        )

    scores = {one.id: score(one) for one in known}
    least = max(scores.values(), default=0) / 2
    found = [one for one in known if 0 < scores[one.id] >= least]
    return sorted(found, key=lambda one: -scores[one.id])


def answers() -> list[Answer]:
    """In the order people ask. Written at each request: words and names follow the reader's language."""
    return [*_money(), *_papers(), *(_bills() if payers.may_bill() else ()), *_methods(), *_account()]


def _money() -> Iterator[Answer]:
    payments = (_("Open Payments"), url_for(".payments"))
    yield Answer(
        "where",
        _("Where is my money?"),
        _(
            "Each line on Payments says where its money is: in review with the organization, held until a date, "
            "available, in a payout, or paid. “Where is my money?” beside the list follows your newest payout step by "
            "step, with the day it is expected."
        ),
        payments,
    )
    yield Answer(
        "states",
        _("What do Held, Available, In a payout and Paid mean?"),
        _(
            "Held: approved, and waiting for its payment terms or a review time; the date is shown. Available: yours "
            "to withdraw. In a payout: reserved for a payout that is being approved or sent. Paid: your bank, or "
            "whoever pays you, confirmed it. We never call something paid before that."
        ),
    )
    yield Answer(
        "withdraw",
        _("How do I withdraw?"),
        _(
            "Press Withdraw beside what is available, and take all of it or a part. The organization approves it, then"
            " it is sent. Many organizations also pay everything that is available in regular runs; then there is "
            "nothing to do."
        ),
        payments,
    )
    yield Answer(
        "hold",
        _("Why is a payout on hold?"),
        _(
            "The reason stands beside it. Waiting for funds: the organization has to top up, then the payout goes on "
            "by itself. Held for review: a person checks it. No usable method: add a payout method."
        ),
    )
    yield Answer(
        "failed",
        _("A payout failed or came back. Is the money lost?"),
        _(
            "No. It is back in your available balance at once. Open the payout: it says what went wrong and what you "
            "can do, usually correcting the payout method. Then withdraw again, or wait for the next run."
        ),
    )


def _papers() -> Iterator[Answer]:
    yield Answer(
        "credits",
        _("What is a credit?"),
        _(
            "An amount you owe the organization, for goods returned or a correction. It is taken off your next payout."
            " While credits are larger than your bills, nothing is paid and the difference is carried forward."
        ),
    )
    yield Answer(
        "statement",
        _("Where do I find statements and remittance advices?"),
        _(
            "Statements are made for each month, organization and currency, as PDF and CSV. A remittance advice, which"
            " lists the bills a payout pays, is on the payout's page once it was sent."
        ),
        (_("Open Statements"), url_for(".statements")),
    )


def _bills() -> Iterator[Answer]:
    yield Answer(
        "review",
        _("How long does a bill take?"),
        _(
            "After you send it the organization approves it, approves a lower amount, or rejects it; a reason is "
            "always given. An approved bill becomes available when its payment terms have passed. You can change or "
            "withdraw a bill until it was reviewed."
        ),
    )
    yield Answer(
        "reduced",
        _("My bill was approved with a lower amount. What now?"),
        _(
            "Open it to accept the amount or to dispute it. You have %(days)s days; after that the lower amount counts"
            " as accepted. A dispute sends the bill back to the organization with your words.",
            days=ACCEPTANCE.days,
        ),
    )
    yield Answer(
        "twice",
        _("I sent a bill twice."),
        _(
            "The same invoice number is accepted once. For another bill with the same amount and date we ask first. "
            "Withdraw what was sent by mistake on the bill's page."
        ),
    )


def _methods() -> Iterator[Answer]:
    ways = "; ".join(_("%(name)s: %(time)s", name=rail.label, time=rail.settles_in) for rail in registry.available())
    link = (_("Open Payout methods"), url_for(".methods"))
    yield Answer("arrival", _("How long until it arrives?"), _("Once sent: %(ways)s.", ways=ways), link)
    yield Answer(
        "change",
        _("Why can a new payout method not be used at once?"),
        _(
            "A method added beside an existing one waits %(hours)s hours, and we write to you. If somebody else "
            "changed it, that is the time to tell us. Your first method can be used at once.",
            hours=int(COOL_OFF.total_seconds() // 3600),
        ),
        link,
    )
    yield Answer(
        "seen",
        _("Who sees my bank details?"),
        _(
            "Nobody you work for. They are kept encrypted and opened only to send a payout; every opening is recorded."
            " Pages show the last four digits."
        ),
    )


def _account() -> Iterator[Answer]:
    portal = g.account.portal.value
    yield Answer(
        "tax",
        _("Who needs a Form W-9?"),
        _(
            "US payees of organizations that ask for one: until it is signed, nothing is withdrawn and batches leave "
            "you out. Payees elsewhere need none. Your taxpayer number is kept encrypted; pages show the last four "
            "digits."
        ),
        (_("Open Tax form"), url_for(".tax")),
    )
    yield Answer(
        "second-step",
        _("How do I protect my sign-in?"),
        _(
            "Set up an authenticator app under Sign-in and security: a code from your phone is then asked for too. "
            "Keep the recovery codes; each signs you in once when the phone is lost. You can also sign out every "
            "other browser there."
        ),
        (_("Open Sign-in and security"), url_for(f"{portal}_auth.security")),
    )
    yield Answer(
        "forgotten",
        _("I forgot my password or lost my phone. How do I sign in?"),
        _(
            "Ask for a sign-in link on the sign-in page: it needs no password, and afterwards you can set a new one "
            "under Sign-in and security. Where a code from your phone is asked for, one of your recovery codes does."
        ),
        (_("Open Sign-in and security"), url_for(f"{portal}_auth.security")),
    )
    yield Answer(
        "mails",
        _("How do I get fewer e-mails?"),
        _(
            "Choose under Notifications, or press the link at the foot of a mail. Mails about your security, your "
            "payout methods and contracts are always sent."
        ),
        (_("Open Notifications"), url_for(f"{portal}_auth.notices")),
    )


def mount(bp: Blueprint) -> None:
    bp.get("/help")(help)
