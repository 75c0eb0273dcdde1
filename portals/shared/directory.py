"""What a look into the directory of consultants asks for, in pages and for programs."""

from __future__ import annotations

from flask import request

from app.consultations.directory import Wanted
from app.consultations.profile_rules import LONGEST_SEARCH
from app.consultations.states import Practice
from portals.shared.asking import one_of


def wanted_of_address() -> Wanted:
    """The filters of this address; nonsense is left out."""
    args = request.args
    language = args.get("language", "").strip().lower()
    rating = args.get("rating", "")
    return Wanted(
        search=args.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
        specialty=args.get("specialty", "").replace("\0", "").strip()[:LONGEST_SEARCH],
        language=language if language.isalpha() and len(language) <= 3 else "",
        accepting=args.get("available", "") in ("1", "true"),
        rating=int(rating) if rating in ("1", "2", "3", "4", "5") else None,
        practice=one_of(Practice, args, "practice"),
    )
