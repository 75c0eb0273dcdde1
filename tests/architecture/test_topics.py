"""What is emitted and what answers it fit together: a mismatch would only show when the job runs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.topics import Topic
from jobs.registry import JOBS
from jobs.schedule import ENTRIES, Entry

ROOT = Path(__file__).parents[2]


def emissions() -> Iterator[tuple[str, Topic, frozenset[str]]]:
    """(where, topic, names of the payload) of each `outbox.emit(session, Topic.X, …)` in the business, or of many."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in ("emit", "emit_many"):
                continue
            topic = node.args[1] if len(node.args) > 1 else None
            if node.func.attr == "emit_many" and isinstance(topic, ast.Name):
                continue  # one of several, chosen where it is said
            assert isinstance(topic, ast.Attribute), f"{path}:{node.lineno} names no topic"
            names = frozenset(word.arg for word in node.keywords if word.arg and word.arg != "delay_seconds")
            if node.func.attr == "emit_many":
                each = next(part for part in ast.walk(node.args[2]) if isinstance(part, ast.Dict))
                names = frozenset(key.value for key in each.keys if isinstance(key, ast.Constant))
            yield f"{path.relative_to(ROOT)}:{node.lineno}", Topic[topic.attr], names


EMISSIONS = list(emissions())


@pytest.mark.parametrize(("where", "topic", "names"), EMISSIONS, ids=[where for where, _, _ in EMISSIONS])
def test_the_job_takes_what_is_emitted(where: str, topic: Topic, names: frozenset[str]) -> None:
    assert topic in JOBS, f"no job answers {topic}"
    inspect.signature(JOBS[topic].function).bind(**dict.fromkeys(names))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_job_takes_what_the_schedule_promises(entry: Entry) -> None:
    promised = {"due_at": ""} if entry.wants_due else {}
    inspect.signature(JOBS[entry.topic].function).bind(**promised)


def test_every_topic_has_a_job_and_somebody_who_says_it() -> None:
    said = {topic for _, topic, _ in EMISSIONS} | {entry.topic for entry in ENTRIES}
    assert set(Topic) == said == set(JOBS)
