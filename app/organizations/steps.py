"""The steps of the wizard that opens an organization: which a kind has, and what is missing before it is launched."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from app.organizations.states import OrganizationKind


class Step(StrEnum):
    IDENTITY = "identity"
    KIND = "kind"
    BILLING = "billing"
    RATES = "rates"
    TEAM = "team"
    REVIEW = "review"


# Nobody has to be invited, and looking through it all saves nothing.
_OPTIONAL = frozenset({Step.TEAM, Step.REVIEW})


def steps_of(kind: OrganizationKind) -> tuple[Step, ...]:
    """In their order: who buys says how it pays, who provides how bookings are shared."""
    skipped = {OrganizationKind.BUYER: {Step.RATES}, OrganizationKind.PROVIDER: {Step.BILLING}}.get(kind, set())
    return tuple(step for step in Step if step not in skipped)


def missing(kind: OrganizationKind, saved: Collection[str]) -> tuple[Step, ...]:
    """What has to be saved before the launch and is not, in the order of the wizard."""
    return tuple(step for step in steps_of(kind) if step not in _OPTIONAL and step.value not in saved)


def after(kind: OrganizationKind, step: Step) -> Step:
    """The step that follows; the last one is followed by itself."""
    all_of_it = steps_of(kind)
    return all_of_it[min(all_of_it.index(step) + 1, len(all_of_it) - 1)]


def next_open(kind: OrganizationKind, saved: Collection[str]) -> Step:
    """Where somebody goes on who left: the first step that was not saved."""
    return next((step for step in steps_of(kind) if step.value not in saved), Step.REVIEW)
