"""One request, one unit of work. `db()` opens it on first use; the edge commits it when the answer is below 400.

A view that must keep a change although it refuses (a counted wrong password) calls `keep()`. Nothing else commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from flask import Flask, Response, g
from flask import session as cookie

from app.core import guards
from app.core.scope import Scope
from app.db.session import ScopedSession


@dataclass
class Work:
    """The state of this request's unit of work."""

    scope: Scope = field(default_factory=Scope.public)
    session: ScopedSession | None = None
    kept: bool = False
    afterwards: list[Callable[[Response], Response]] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)


def _work() -> Work:
    work: Work | None = g.get("work")
    if work is None:
        work = g.work = Work()
    return work


def db() -> ScopedSession:
    """The session of this request. Its scope is public until the guard knows who is signed in."""
    work = _work()
    if work.session is None:
        work.session = ScopedSession(work.scope)
        work.stack.enter_context(guards.transaction())
    return work.session


def use_scope(scope: Scope) -> None:
    """Set what this request may see, from here on."""
    work = _work()
    work.scope = scope
    if work.session is not None:
        work.session.narrow(scope)


@contextmanager
def paused() -> Iterator[None]:
    """Between two transactions: let go of what was only read so far, use the network in the block, then go on anew.

    Everything written before is undone, so nothing may have been. Raises RuntimeError when the session knows better.
    """
    work = _work()
    if work.session is None:
        yield
        return
    if work.session.new or work.session.dirty or work.session.deleted:
        raise RuntimeError("pause before the first change, not after it")
    work.session.rollback()
    work.stack.close()
    try:
        yield
    finally:
        work.stack.enter_context(guards.transaction())


def keep() -> None:
    """Commit at the end although the answer is a 4xx. Never for a 5xx."""
    _work().kept = True


def afterwards(call: Callable[[Response], Response]) -> None:
    """Once what this request wrote is kept, outside of any transaction: what may use the network and add to the answer.

    It must not fail: the answer says what was done already.
    """
    _work().afterwards.append(call)


def finish(response: Response) -> Response:
    """Commit or roll back before the answer leaves. A commit that fails becomes a 500; the answer is not sent."""
    work: Work | None = g.get("work")
    if work is None or work.session is None:
        return response
    good = response.status_code < 400 or (work.kept and response.status_code < 500)
    work.kept = False
    try:
        if good:
            work.session.commit()
        else:
            work.session.rollback()
    except BaseException:
        work.session.rollback()
        cookie.pop("_flashes", None)  # they praise what did not happen
        raise
    finally:
        work.stack.close()
        calls, work.afterwards = work.afterwards, []
    for call in calls if good else ():
        response = call(response)
    return response


def close(_error: BaseException | None) -> None:
    """End what is left open. Flask calls this after the answer and once more after a streamed body.

    A stream reads on with the same session, which begins a new transaction under the same scope.
    """
    work: Work | None = g.get("work")
    if work is not None:
        work.stack.close()
        if work.session is not None:
            work.session.close()


def init_app(app: Flask) -> None:
    app.after_request(finish)
    app.teardown_appcontext(close)
