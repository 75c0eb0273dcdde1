"""The filters of the directory, as its address holds them; the same for the page and the CSV."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask_babel import lazy_gettext as _l

from app.payees.states import EngagementStatus, PayeeKind
from app.reporting.directory import DirectoryFilter, Order
from portals.org import asking

STATUS_LABELS = {
    EngagementStatus.ACTIVE: _l("Active"),
    EngagementStatus.PAUSED: _l("Paused"),
    EngagementStatus.SUSPENDED: _l("Suspended"),
    EngagementStatus.ENDED: _l("Ended"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """`found` is what the database is asked, `fixed` the kind the page itself is about."""

    found: DirectoryFilter
    order: Order
    fixed: PayeeKind | None

    @property
    def filtered(self) -> bool:
        found = self.found
        kind = found.kind is not None and self.fixed is None
        return bool(found.search or kind or found.status or found.methodless or found.tag)

    @property
    def query(self) -> dict[str, str]:
        """The address's parameters, for links that keep the filters; the kind too, also where the page has it."""
        found = self.found
        texts = {
            "q": found.search,
            "kind": found.kind.value if found.kind else "",
            "status": found.status.value if found.status else "",
            "method": "none" if found.methodless else "",
            "tag": found.tag,
        }
        return {name: text for name, text in texts.items() if text}


def asked(fixed: PayeeKind | None = None) -> Asked:
    """Read the filters from the address of this request."""
    args = request.args
    found = DirectoryFilter(
        search=args.get("q", "").strip()[:100],
        kind=fixed or asking.one_of(PayeeKind, args, "kind"),
        status=asking.one_of(EngagementStatus, args, "status"),
        methodless=args.get("method") == "none",
        tag=" ".join(args.get("tag", "").lower().split())[:40],
    )
    return Asked(found, asking.one_of(Order, args, "sort") or Order.NEWEST, fixed)
