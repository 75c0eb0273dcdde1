"""Statuses, icons and the rules of templates: what a page may use exists, and what it must not use is not there."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask

from app.charges.states import DepositStatus
from app.earnings.rate_models import AdjustmentStatus
from app.identity.states import AccountStatus
from app.methods.states import MethodStatus
from app.notify.models import MailStatus
from app.organizations.states import MemberStatus, OrganizationStatus
from app.payables.states import ImportStatus, RequestStatus
from app.payees.states import EngagementStatus
from app.payouts.states import AttemptStatus, BatchStatus, ExportStatus, PayoutStatus
from app.webhooks.models import EventStatus
from portals.web import setup
from portals.web.status import TONES, VOCABULARY, badge_of

TEMPLATES = sorted(setup.TEMPLATES.rglob("*.html"))
SPRITE = (setup.STATIC / "icons.svg").read_text()
SYMBOLS = set(re.findall(r'<symbol id="i-([a-z0-9-]+)"', SPRITE))
PAGES = [path for path in TEMPLATES if path.relative_to(setup.TEMPLATES).parts[0] not in ("mail", "pdf", "components")]


def test_every_state_has_a_word_a_known_glyph_and_a_tone(app: Flask) -> None:
    with app.test_request_context("/"):
        for kind, states in VOCABULARY.items():
            for state, status in states.items():
                assert str(status.word) and status.tone in TONES and status.glyph in SYMBOLS, (kind, state)


def test_one_word_has_one_glyph_and_tone_within_a_kind(app: Flask) -> None:
    with app.test_request_context("/"):
        for kind, states in VOCABULARY.items():
            words = [str(status.word) for status in states.values()]
            assert len(words) == len(set(words)), kind


def test_unknown_states_are_mistakes_of_ours() -> None:
    class State(StrEnum):
        PAID = "paid"

    assert badge_of("payout", State.PAID) is badge_of("payout", "PAID")
    with pytest.raises(LookupError, match="add it"):
        badge_of("payout", "teleported")


STATES: dict[str, type[StrEnum]] = {
    "payout": PayoutStatus,
    "batch": BatchStatus,
    "attempt": AttemptStatus,
    "export": ExportStatus,
    "request": RequestStatus,
    "import": ImportStatus,
    "deposit": DepositStatus,
    "adjustment": AdjustmentStatus,
    "method": MethodStatus,
    "engagement": EngagementStatus,
    "organization": OrganizationStatus,
    "member": MemberStatus,
    "account": AccountStatus,
    "webhook_event": EventStatus,
    "mail": MailStatus,
}


@pytest.mark.parametrize("kind", STATES)
def test_every_state_of_the_business_has_a_badge(kind: str) -> None:
    assert {state.value.lower() for state in STATES[kind]} - set(VOCABULARY[kind]) == set()


def _named_icons(text: str) -> set[str]:
    """Names in places where a macro takes an icon: `icon("x")` and the like, `icon_name="x"`, `glyph="x"`."""
    direct = re.findall(r'\bicon\("([a-z0-9-]+)"', text)
    named = re.findall(r'\b(?:icon_name|glyph)="([a-z0-9-]+)"', text)
    second = re.findall(r'\b(?:icon_button)\("([a-z0-9-]+)"', text)
    return {*direct, *named, *second}


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    for path in TEMPLATES:
        assert _named_icons(path.read_text()) <= SYMBOLS, path.name
    for path in Path("portals").rglob("*.py"):
        icons = set(re.findall(r'NavItem\(\s*[^,]+,\s*"([a-z0-9-]+)"', path.read_text()))
        assert icons <= SYMBOLS, path


def test_the_sprite_is_ordered_and_each_symbol_is_there_once() -> None:
    names = re.findall(r'<symbol id="i-([a-z0-9-]+)"', SPRITE)
    assert names == sorted(set(names))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(setup.TEMPLATES)))
def test_pages_use_only_classes_of_the_style_sheet(path: Path) -> None:
    known = set(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", (setup.STATIC / "quittance.css").read_text()))
    text = re.sub(r"\{\{.*?\}\}", "…", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"\{[%#].*?[%#]\}", " ", text, flags=re.DOTALL)
    used = {name for classes in re.findall(r'\bclass="([^"]*)"', text) for name in classes.split() if "…" not in name}
    assert used - known == set()


def test_all_macros_are_gathered_in_one_place() -> None:
    gathered = (setup.TEMPLATES / "components/ui.html").read_text()
    for path in (setup.TEMPLATES / "components").glob("_*.html"):
        for name in re.findall(r"{% macro ([a-z]\w*)\(", path.read_text()):
            assert f"{{% set {name} = " in gathered, f"{path.name}: {name}"
