"""Messages as both sides see them: the list, one thread, a new one. The portals say who is on the other side.

Addresses are the blueprint's own: `.messages`, `.thread`, `.thread_news`, `.new_thread`, `.file`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response, current_app, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import MultipleFileField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.messages import queries, rules, service
from app.messages.queries import ThreadFilter
from app.messages.service import About, Attached
from app.messages.states import AboutKind, Side
from portals.web import htmx, paging
from portals.web.db import db
from portals.web.htmx import done, fragment, page
from portals.web.uploads import FilesForm

ACCEPT = ".pdf,.png,.jpg,.jpeg,.webp,.csv,.txt,.xlsx,.docx"
# The pages of portals that have them: payees call a bill a request.
_PAGES = {
    AboutKind.REQUEST: (("request", "request_id"), ("bill", "request_id")),
    AboutKind.PROJECT: (("project", "project_id"),),
}


class ReplyForm(FilesForm):
    body = TextAreaField(
        _l("Message"),
        [InputRequired(_l("Write a message.")), Length(max=rules.LONGEST_BODY)],
        render_kw={"rows": 4, "maxlength": None},
    )
    files = MultipleFileField(_l("Files"))

    def attached(self) -> list[Attached]:
        return [Attached(upload.inspected, upload.key) for upload in self.uploads]


class ThreadForm(ReplyForm):
    subject = StringField(
        _l("Subject"), [InputRequired(_l("Say what it is about.")), Length(max=rules.LONGEST_SUBJECT)]
    )


def about_bill(bill_id: UUID, bill: Any) -> About:
    return About(AboutKind.REQUEST, bill_id, bill.invoice_number or bill.reference)


def subject_of(about: About) -> str:
    """What is written into the subject to begin with."""
    if about.kind is AboutKind.REQUEST:
        return _("Bill %(number)s", number=about.label)
    return about.label[: rules.LONGEST_SUBJECT]


def named(about: About | None) -> dict[str, UUID]:
    """How an address says what a thread is about."""
    return {about.kind.value: about.id} if about else {}


def about_url(found: Any) -> str:
    """Where this portal shows what a thread is about; empty where it has no such page."""
    for endpoint, name in _PAGES.get(found.about_kind, ()):
        if f"{request.blueprint}.{endpoint}" in current_app.view_functions:
            return url_for(f".{endpoint}", **{name: found.about_id})
    return ""


def unread_count(organization_id: UUID | None = None) -> int:
    """The number beside the link."""
    return queries.unread_count(db(), g.account.account_id, organization_id)


def threads(side: Side, **narrowed: Any) -> ResponseReturnValue:
    """The list. `narrowed`: fields of ThreadFilter that the portal sets."""
    want, search = paging.wanted(queries.PAGE), request.args.get("q", "").strip()[:100]
    unread = request.args.get("view") == "unread"
    found = queries.threads(
        db(), g.account.account_id, ThreadFilter(search=search, unread=unread, **narrowed), want.cursor, want.limit
    )
    return page(
        "shared/messages/index.html",
        fragment="shared/messages/_list.html",
        found=found,
        search=search,
        unread=unread,
        side=side,
        neighbours=paging.neighbours(found),
    )


def thread(found: Any, side: Side, about_url: str = "") -> ResponseReturnValue:
    """One thread and the answer to it; reading it is noted."""
    form = ReplyForm()
    if form.accepts_with_files():
        with form.refusals():
            made = service.post(db(), g.actor, found.id, form.body.data, form.attached())
            return _posted(found, side, made.number)
    want = paging.wanted(queries.MESSAGES)
    shown = queries.messages(db(), found.id, want.cursor, want.limit)
    if not form.faulty and shown.items:
        service.read(db(), g.actor, found.id, shown.items[0].number)
    return page(
        "shared/messages/thread.html",
        fragment="shared/messages/_reply.html" if form.faulty else None,
        thread=found,
        form=form,
        side=side,
        about_url=about_url,
        neighbours=paging.neighbours(shown),
        accept=ACCEPT,
        newest=want.cursor is None,
        **_lines(list(reversed(shown.items))),
    )


def _posted(found: Any, side: Side, number: int) -> ResponseReturnValue:
    """The new lines below the old ones, and an empty form."""
    back = url_for(".thread", thread_id=found.id, _anchor="reply")
    seen = request.form.get("seen", type=int)
    if not htmx.is_htmx() or seen is None:
        return done(back=back, toast=_("Message sent"))
    service.read(db(), g.actor, found.id, number)  # what came meanwhile is shown with it
    context = {"thread": found, "side": side, **_lines(queries.news(db(), found.id, seen))}
    return done(
        fragment("shared/messages/_news.html", target="#news", **context),
        fragment("shared/messages/_reply.html", form=ReplyForm(formdata=None), accept=ACCEPT, **context),
        back=back,
    )


def news(found: Any, side: Side) -> ResponseReturnValue:
    """Polled by an open page in front of the reader: 204 while nothing came."""
    lines = queries.news(db(), found.id, request.args.get("after", 0, type=int))
    if not lines:
        return Response(status=204)
    service.read(db(), g.actor, found.id, lines[-1].number)
    return page(
        "shared/messages/news.html", fragment="shared/messages/_news.html", thread=found, side=side, **_lines(lines)
    )


def _lines(messages: Sequence[Any]) -> Mapping[str, Any]:
    """Messages with their files; `last` is the number to ask from."""
    return {
        "messages": messages,
        "files": queries.attached(db(), [message.id for message in messages]),
        "last": messages[-1].number if messages else 0,
    }


def new_thread(
    form: ThreadForm, organization_id: UUID | None, payee_id: UUID | None, about: About | None, **context: Any
) -> ResponseReturnValue:
    """The form, or the new thread. A thread about the same thing is gone to."""
    if about is not None and organization_id is not None and payee_id is not None:
        there = queries.thread_about(db(), organization_id, payee_id, about.kind, about.id)
        if there is not None:
            return htmx.go(url_for(".thread", thread_id=there, _anchor="reply"))
    if organization_id is not None and payee_id is not None and form.accepts_with_files():
        with form.refusals():
            made = service.start(
                db(), g.actor, organization_id, payee_id, subject=form.subject.data, body=form.body.data, about=about,
                attached=form.attached(),
            )  # fmt: skip
            return done(back=url_for(".thread", thread_id=made.thread_id), toast=_("Message sent"))
    return page(
        "shared/messages/new.html",
        fragment="shared/messages/_new.html",
        form=form,
        about=about,
        accept=ACCEPT,
        **context,
    )
