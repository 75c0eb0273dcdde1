"""The frame around a portal's pages, from what the guard knows: who, where, which links and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask import current_app, g, url_for
from flask_babel import lazy_gettext as _l

from app.identity.states import Portal
from portals.web.nav import Choice, Label, NavItem, Shell, use_shell

LABELS: dict[Portal, Label] = {
    Portal.CREATOR: _l("Creator portal"),
    Portal.CONTRACTOR: _l("Contractor portal"),
    Portal.VENDOR: _l("Vendor portal"),
    Portal.CONSULTANT: _l("Consultant portal"),
    Portal.ORG: _l("Organization"),
    Portal.ADMIN: _l("Platform"),
    Portal.CLIENT: _l("Your bookings"),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """`counts` gives the numbers beside the links, `tenant` the name and caption on top; both are asked when drawn.

    `choices` are what the person can switch to, `kept` what the links of the portal carry along in their addresses.
    """

    portal: Portal
    items: Sequence[NavItem] = ()
    counts: Callable[[], Mapping[str, int]] | None = None
    tenant: Callable[[], tuple[str, Label]] | None = None
    search: Callable[[], tuple[str | None, Label]] | None = None  # None: nothing this reader can search
    choices: Callable[[], Sequence[Choice]] | None = None
    kept: Callable[[], Mapping[str, str]] | None = None


class Counts(Mapping[str, int]):
    """Asked for when a page draws them, so that fragments and POSTs pay nothing."""

    def __init__(self, ask: Callable[[], Mapping[str, int]] | None) -> None:
        self._ask = ask
        self._known: Mapping[str, int] | None = None

    def _all(self) -> Mapping[str, int]:
        if self._known is None:
            self._known = self._ask() if self._ask else {}
        return self._known

    def __getitem__(self, name: str) -> int:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def theme_of(portal: Portal) -> str:
    """The portal's name in `<html data-portal>`."""
    return "organization" if portal is Portal.ORG else portal.value


def frame(look: Frame) -> None:
    """Set the shell of this request. An organization's frame needs an organization: the chooser has none."""
    portal = look.portal
    if portal is Portal.ORG and "organization" not in g:
        return
    name, caption = look.tenant() if look.tenant else _tenant(portal)
    search_url, search_label = look.search() if look.search else (None, "")
    args = {"slug": g.slug} if portal is Portal.ORG else look.kept() if look.kept else {}
    inbox = f"{portal.value}.inbox"
    use_shell(
        Shell(
            portal=theme_of(portal),
            label=LABELS[portal],
            items=look.items,
            home_url=f"/org/{g.slug}/" if portal is Portal.ORG else f"/{portal.value}/",
            tenant_name=name,
            tenant_caption=caption,
            account_name=g.account.name,
            account_email=g.account.email,
            sign_out_url=url_for(f"{portal.value}_auth.sign_out"),
            args=args,
            bell_url=url_for(inbox, **args) if inbox in current_app.view_functions else "",
            counts=Counts(look.counts),
            choices=_choices() if portal is Portal.ORG else look.choices() if look.choices else (),
            account_links=_account_links(portal),
            search_url=search_url,
            search_label=search_label,
        )
    )


def _account_links(portal: Portal) -> list[tuple[Label, str, str]]:
    """What is about the person, whichever page they are on; payees have it in their navigation too."""
    links: list[tuple[Label, str, str]] = [
        (_l("Sign-in and security"), "shield-lock", url_for(f"{portal.value}_auth.security"))
    ]
    if f"{portal.value}_auth.notices" in current_app.view_functions:
        links.append((_l("Notifications"), "bell", url_for(f"{portal.value}_auth.notices")))
    if portal is Portal.ORG:
        links.append((_l("Open an organization"), "plus", url_for("org_wizard.start")))
    return links


def _tenant(portal: Portal) -> tuple[str, Label]:
    if portal is Portal.ORG:
        return g.organization.name, g.membership.role.label
    if portal is Portal.ADMIN:
        return "Quittance", LABELS[portal]
    return g.account.name, LABELS[portal]


def _choices() -> tuple[Choice, ...]:
    if len(g.memberships) < 2:
        return ()
    return tuple(
        Choice(mine.name, f"/org/{mine.slug}/", mine.role.label, current=mine.slug == g.slug) for mine in g.memberships
    )
