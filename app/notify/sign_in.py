"""Signing in as a person meets it: the links they are mailed, the notices they get, and the audit line of each step."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from app.audit import service as audit
from app.core.errors import Conflict
from app.core.scope import Actor
from app.core.settings import settings
from app.db.session import ScopedSession
from app.identity import addresses, authenticators, invitations, passwords, queries, rules, service, sessions
from app.identity.addresses import Change
from app.identity.invitations import Invitee
from app.identity.service import Link
from app.identity.sessions import Browser, Opened, SignedIn
from app.identity.states import Portal, TokenPurpose
from app.notify import service as notify
from app.notify.names import NAMES, tell_of_factor
from app.notify.service import Letter

PATHS = {
    TokenPurpose.SIGN_IN: "/{portal}/signin/{token}",
    TokenPurpose.INVITATION: "/{portal}/signin/{token}",
    TokenPurpose.PASSWORD_RESET: "/{portal}/reset-password/{token}",
}


def url_of(link: Link, base_url: str = "", next_path: str = "") -> str:
    """The address in the mail. `next_path` is where the reader goes after signing in."""
    path = PATHS[link.purpose].format(portal=link.portal.value, token=link.token)
    query = f"?{urlencode({'next': next_path})}" if next_path else ""
    return f"{base_url or settings().base_url}{path}{query}"


def mail_link(session: ScopedSession, portal: Portal, email: str, next_path: str = "") -> None:
    """Mail a sign-in link to the address if it has an account here; say nothing either way. Raises Invalid."""
    link = service.request_link(session, portal, email)
    if link is not None:
        _send(session, link, "sign_in", "Your sign-in link", next_path=next_path)


def open_account(
    session: ScopedSession, portal: Portal, email: str, name: str, time_zone: str, next_path: str = ""
) -> None:
    """Somebody wants to book, or to open an organization: make their account if there is none, and mail a link that
    proves the address.

    What is known of an address stays as it is, and the caller cannot tell. Raises Invalid.
    """
    with contextlib.suppress(Conflict):
        service.create_account(session, portal, email, name, time_zone=time_zone)
    mail_link(session, portal, email, next_path)


def mail_reset(session: ScopedSession, portal: Portal, email: str) -> None:
    """Mail a link to choose a new password if the address has an account here. Raises Invalid."""
    link = service.request_link(session, portal, email, TokenPurpose.PASSWORD_RESET)
    if link is not None:
        _send(session, link, "password_reset", "Choose a new password")


def invite(
    session: ScopedSession,
    actor: Actor,
    portal: Portal,
    email: str,
    name: str,
    *,
    inviter: str,
    payee_id: UUID | None = None,
    organization_id: UUID | None = None,
    time_zone: str = "UTC",
    message: str = "",
) -> UUID:
    """Make a login if there is none and mail its link, valid for seven days. Returns the account's id.

    `inviter` is who the reader knows: the organization's name; `message` is what it writes to them. The caller has
    checked that `actor` may invite.
    Raises Invalid, or Conflict when the address signs in for another payee.
    """
    link = service.invite(session, portal, email, name, payee_id=payee_id, time_zone=time_zone)
    _send(session, link, "invitation", f"{inviter} invites you to Quittance", inviter=inviter, message=message)
    audit.record(
        session, actor, "account.invited", "account", link.account_id,
        organization_id=organization_id, portal=portal.value, payee_id=payee_id,
    )  # fmt: skip
    return link.account_id


def invite_many(
    session: ScopedSession,
    actor: Actor,
    portal: Portal,
    people: Sequence[Invitee],
    *,
    inviter: str,
    organization_id: UUID,
    time_zone: str = "UTC",
) -> set[UUID]:
    """`invite` for hundreds of payees in a handful of statements. Returns the payees whose person was mailed.

    An address that signs in for somebody else is passed over. The caller has checked that `actor` may invite.
    """
    links = invitations.invite_many(session, portal, people, time_zone=time_zone)
    minutes = int(rules.LINK_LIVES[TokenPurpose.INVITATION].total_seconds() // 60)
    context = {"portal": NAMES[portal], "minutes": minutes, "inviter": inviter}
    letters = [
        Letter(
            link.email,
            "invitation",
            f"{inviter} invites you to Quittance",
            {"name": link.name, **context},
            organization_id=organization_id,
            secrets={"link": url_of(link)},
        )
        for link in links.values()
    ]
    notify.queue_many(session, letters)
    audit.record_many(
        session, actor, "account.invited", "account", [link.account_id for link in links.values()],
        organization_id=organization_id, portal=portal.value,
    )  # fmt: skip
    return set(links)


def by_link(session: ScopedSession, portal: Portal, token: str, browser: Browser) -> Opened:
    """Use a link up and open a session. Raises Gone."""
    opened = service.use_link(session, portal, token, browser)
    note(session, opened.signed_in, browser, "signed_in", by="link")
    return opened


def by_password(session: ScopedSession, portal: Portal, email: str, password: str, browser: Browser) -> Opened:
    """Open a session. Raises WrongPassword (keep the count!), Locked, Invalid."""
    opened = passwords.sign_in(session, portal, email, password, browser)
    note(session, opened.signed_in, browser, "signed_in", by="password")
    return opened


def change_password(session: ScopedSession, signed_in: SignedIn, new: str, browser: Browser) -> None:
    """Set the password; other sessions end and the owner is told. Raises Forbidden without a fresh sign-in, Invalid."""
    passwords.change(session, signed_in, new)
    note(session, signed_in, browser, "password.changed")
    _tell_of_password(session, signed_in.email, signed_in.name, signed_in.portal)


def reset_password(session: ScopedSession, portal: Portal, token: str, new: str, browser: Browser) -> None:
    """Set the password with a reset link; all sessions end and the owner is told. Raises Gone, Invalid."""
    account_id = passwords.reset(session, portal, token, new)
    owner = queries.account(session, account_id)
    assert owner is not None
    actor = Actor(owner.name, "account", account_id, ip=browser.ip)
    audit.record(session, actor, "password.reset", "account", account_id, portal=portal.value)
    _tell_of_password(session, owner.email, owner.name, portal)


def pass_second_step(session: ScopedSession, who: SignedIn, code: str, browser: Browser) -> None:
    """Open a session that waits for a code. Raises WrongCode (keep the count!), Locked, Gone."""
    if authenticators.pass_step(session, who, code):
        left = authenticators.status(session, who.account_id).codes_left
        tell_of_factor(
            session, who.portal, who.email, who.name, f"A recovery code was used to sign in; {left} are left"
        )
    note(session, who, browser, "second_step.passed")


def confirm_authenticator(session: ScopedSession, who: SignedIn, code: str, browser: Browser) -> list[str]:
    """Ask for codes from now on; other sessions end, the owner is told. Returns the recovery codes, shown this once.

    Raises Forbidden, Gone, WrongCode (keep the count!), Locked.
    """
    codes = authenticators.confirm(session, who, code)
    sessions.sign_out_everywhere(session, who.account_id, keep_session_id=who.session_id)
    note(session, who, browser, "authenticator.added")
    tell_of_factor(session, who.portal, who.email, who.name, "An authenticator app was set up")
    return codes


def renew_recovery_codes(session: ScopedSession, who: SignedIn, browser: Browser) -> list[str]:
    """Raises Forbidden, Conflict without an authenticator."""
    codes = authenticators.new_recovery_codes(session, who)
    note(session, who, browser, "recovery_codes.renewed")
    tell_of_factor(session, who.portal, who.email, who.name, "New recovery codes were made")
    return codes


def remove_authenticator(session: ScopedSession, who: SignedIn, browser: Browser, *, one_must_stay: bool) -> None:
    """Raises Forbidden without a fresh sign-in, Conflict when there is none or the last one has to stay."""
    authenticators.remove(session, who, one_must_stay=one_must_stay)
    note(session, who, browser, "authenticator.removed")
    tell_of_factor(session, who.portal, who.email, who.name, "The authenticator app was removed")


def mail_address_link(session: ScopedSession, who: SignedIn, email: str, browser: Browser) -> None:
    """Ask for another sign-in address: the new one is mailed the link, the present one that it was asked for.

    Raises Forbidden without a fresh sign-in, Invalid.
    """
    change = addresses.begin(session, who, email)
    note(session, who, browser, "address.asked")
    minutes = int(rules.ADDRESS_LINK_LIVES.total_seconds() // 60)
    link = f"{settings().base_url}/{who.portal.value}/signin/address/{change.token}"
    context = {"name": who.name, "portal": NAMES[who.portal], "minutes": minutes, "old": change.old_email}
    notify.queue(
        session, change.new_email, "address_link", subject="Confirm your new address", context=context,
        secrets={"link": link},
    )  # fmt: skip
    _tell_of_address(session, change, [change.old_email], asked=True)


def confirm_address(session: ScopedSession, portal: Portal, token: str, browser: Browser) -> Change:
    """The new address signs in from now on; both are told. Raises Gone, Conflict."""
    change = addresses.confirm(session, portal, token)
    actor = Actor(change.name, "account", change.account_id, payee_id=change.payee_id, ip=browser.ip)
    audit.record(session, actor, "address.changed", "account", change.account_id, portal=portal.value)
    _tell_of_address(session, change, [change.old_email, change.new_email], asked=False)
    return change


def _tell_of_address(session: ScopedSession, change: Change, to: list[str], *, asked: bool) -> None:
    what = "Another sign-in address was asked for" if asked else "Your sign-in address was changed"
    for address in to:
        notify.queue(
            session, address, "address_changed", subject=what,
            context={
                "name": change.name, "portal": NAMES[change.portal], "what": what, "old": change.old_email,
                "new": change.new_email,
                "security_url": f"{settings().base_url}/{change.portal.value}/settings/security",
            },
        )  # fmt: skip


def end_session(session: ScopedSession, signed_in: SignedIn, session_id: UUID, browser: Browser) -> bool:
    """End one of the reader's own sessions; False when it is not theirs or has ended."""
    ended = sessions.sign_out(session, signed_in.account_id, session_id)
    if ended:
        note(session, signed_in, browser, "signed_out")
    return ended


def end_other_sessions(session: ScopedSession, signed_in: SignedIn, browser: Browser) -> int:
    """Sign out everywhere but here; returns how many sessions ended."""
    ended = sessions.sign_out_everywhere(session, signed_in.account_id, keep_session_id=signed_in.session_id)
    note(session, signed_in, browser, "signed_out_everywhere", sessions=ended)
    return ended


def operator_link(session: ScopedSession, actor: Actor, portal: Portal, email: str, base_url: str = "") -> str | None:
    """A sign-in address made on the machine itself; None when there is no such account."""
    link = service.issue_link(session, portal, email)
    if link is None:
        return None
    audit.record(session, actor, "account.login_link", "account", link.account_id, portal=portal.value)
    return url_of(link, base_url)


def _send(session: ScopedSession, link: Link, template: str, subject: str, next_path: str = "", **more: str) -> None:
    minutes = int(rules.LINK_LIVES[link.purpose].total_seconds() // 60)
    notify.queue(
        session,
        link.email,
        template,
        subject=subject,
        context={"name": link.name, "portal": NAMES[link.portal], "minutes": minutes, **more},
        secrets={"link": url_of(link, next_path=next_path)},
    )


def _tell_of_password(session: ScopedSession, email: str, name: str, portal: Portal) -> None:
    notify.queue(
        session,
        email,
        "password_changed",
        subject="Your password was changed",
        context={"name": name, "portal": NAMES[portal], "sign_in_url": f"{settings().base_url}/{portal.value}/signin"},
    )


def note(session: ScopedSession, who: SignedIn, browser: Browser, action: str, **detail: Any) -> None:
    actor = Actor(who.name, "account", who.account_id, payee_id=who.payee_id, ip=browser.ip)
    audit.record(session, actor, action, "account", who.account_id, portal=who.portal.value, **detail)
