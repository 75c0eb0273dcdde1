"""The wire formats of real providers, in front of the simulator's books: our rails cannot tell them apart.

A dialect reads a provider's requests, answers as the provider documents it, and words the webhooks. Fates, faults and
the courier are the same for all of them; each has books of its own, as each provider would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.rails.simulator.books import Books


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` comes after the dialect's name; names of `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    url: str  # where the dialect is reached, without the path


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` goes out as JSON; None for no body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One webhook call; `url` "" for the one we were started with."""

    content: bytes
    headers: Mapping[str, str]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a request is answered (seconds since 1970), and how long what it starts takes to settle."""

    now: float
    delay_s: float


class Dialect(Protocol):
    name: str  # of the rail, and the first part of the path
    hook: str  # the last part of the webhook's address

    def answer(self, request: Request, books: Books, moment: Moment) -> Answer:
        """What the provider says; 404 for what it does not know."""
        ...

    def tell(self, event: Mapping[str, Any]) -> Call | None:
        """The webhook of one event of the books (`id`, `at`, and what `Books.find` gives); None: it tells nothing."""
        ...


Credential = Callable[[str], str]
