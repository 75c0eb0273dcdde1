"""The simulator's own books, in SQLite: it stands for an outside provider, so it shares nothing with our database."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.rails.simulator.fates import MESSAGES, fate_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instructions (
  key TEXT PRIMARY KEY, body_sha256 TEXT NOT NULL, reference TEXT NOT NULL UNIQUE, statement TEXT NOT NULL,
  name TEXT NOT NULL, account TEXT NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL,
  status TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', taken_at REAL NOT NULL, next_at REAL,
  times_asked INTEGER NOT NULL DEFAULT 1, extra TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS objects (
  kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS instructions_next ON instructions (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS movements (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL REFERENCES instructions, kind TEXT NOT NULL,
  amount_minor INTEGER NOT NULL, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS movements_key ON movements (key);
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY, body TEXT NOT NULL, deliveries INTEGER NOT NULL, due_at REAL,
  tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS events_due ON events (due_at, number) WHERE due_at IS NOT NULL;
"""
_SETTLE_LIMIT = 2_000


class KeyReused(Exception):
    """This key was used before for another order."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Books:
    """Instructions, movements of money and events to tell. One connection, one lock: calls may come from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # survives a killed process
        self._db.executescript(_SCHEMA)
        if "extra" not in [row["name"] for row in self._db.execute("PRAGMA table_info(instructions)")]:
            self._db.execute("ALTER TABLE instructions ADD COLUMN extra TEXT NOT NULL DEFAULT '{}'")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def take(self, orders: Sequence[Mapping[str, Any]], now: float, delay_s: float) -> list[dict[str, Any]]:
        """Write down the new ones and answer all, in order. Raises KeyReused, and then none is taken."""
        with self._lock, self._writing():
            self._take_new(orders, now, delay_s)
            return [self._answer(str(order["key"])) for order in orders]

    def find(self, key: str) -> dict[str, Any] | None:
        with self._lock:
            row = self._row(key)
            return None if row is None else _answer(row)

    def by_reference(self, reference: str) -> dict[str, Any] | None:
        """The instruction by the name the provider gave it."""
        with self._lock:
            row = self._db.execute("SELECT * FROM instructions WHERE reference = ?", (reference,)).fetchone()
            return None if row is None else _answer(row)

    def by_statement(self, statement: str) -> list[dict[str, Any]]:
        """Instructions of one payout, in the order they were taken."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM instructions WHERE statement = ? ORDER BY taken_at, key", (statement,)
            ).fetchall()
            return [_answer(row) for row in rows]

    def take_back(self, reference: str, now: float) -> dict[str, Any] | None:
        """Return a paid one whole; None where there is none."""
        with self._lock, self._writing():
            row = self._db.execute(
                "SELECT * FROM instructions WHERE reference = ? AND status = 'paid'", (reference,)
            ).fetchone()
            if row is None:
                return None
            self._db.execute("UPDATE instructions SET status = 'returned', next_at = NULL WHERE key = ?", (row["key"],))
            self._db.execute(
                "INSERT INTO movements (key, kind, amount_minor, at) VALUES (?, 'returned', ?, ?)",
                (row["key"], row["amount_minor"], now),
            )
            answer = self._answer(row["key"])
            self._tell(answer, 1, now, now)
            return answer

    def under_way(self, prefix: str) -> bool:
        """Whether one of those whose key begins so is neither settled nor waits for its payee. `prefix` ends in "/"."""
        query = "SELECT EXISTS (SELECT 1 FROM instructions WHERE key >= ? AND key < ? AND status = 'accepted')"
        with self._lock:
            return bool(self._db.execute(query, (prefix, f"{prefix[:-1]}0")).fetchone()[0])

    def withdraw(self, reference: str, code: str, now: float) -> dict[str, Any] | None:
        """Call one that is not settled back, told as failed; None where there is none to be called back."""
        with self._lock, self._writing():
            row = self._db.execute(
                "SELECT * FROM instructions WHERE reference = ? AND status IN ('accepted', 'waiting')", (reference,)
            ).fetchone()
            if row is None:
                return None
            self._db.execute(
                "UPDATE instructions SET status = 'failed', code = ?, next_at = NULL WHERE key = ?", (code, row["key"])
            )
            answer = self._answer(row["key"])
            self._tell(answer, 1, now, now)
            return answer

    def keep(self, kind: str, name: str, body: Mapping[str, Any]) -> None:
        """An object of the provider's own, e.g. a batch; kept once more, it is replaced."""
        with self._lock, self._writing():
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (kind, name, json.dumps(body)))

    def kept(self, kind: str, name: str) -> dict[str, Any] | None:
        with self._lock:
            row = self._db.execute("SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        return None if row is None else dict(json.loads(row["body"]))

    def all_kept(self, kind: str) -> list[dict[str, Any]]:
        with self._lock:
            rows = self._db.execute("SELECT body FROM objects WHERE kind = ? ORDER BY rowid", (kind,)).fetchall()
        return [json.loads(row["body"]) for row in rows]

    def tell(self, event: Mapping[str, Any], now: float, due_at: float | None = None) -> None:
        """News that is about no instruction, as the dialect writes it down; told at once unless `due_at` is later."""
        with self._lock, self._writing():
            self._tell(event, 1, now if due_at is None else due_at, now if due_at is None else due_at)

    def settle(self, now: float, delay_s: float) -> int:
        """Move on what is due; returns how many were."""
        with self._lock, self._writing():
            due = self._db.execute(
                "SELECT * FROM instructions WHERE next_at <= ? ORDER BY next_at LIMIT ?", (now, _SETTLE_LIMIT)
            ).fetchall()
            for row in due:
                self._move_on(row, now, delay_s)
            return len(due)

    def hasten(self, keys: Sequence[str], now: float) -> None:
        """Make the waiting ones of `keys` due now."""
        with self._lock, self._writing():
            for key in keys:
                self._db.execute(
                    "UPDATE instructions SET next_at = ? WHERE key = ? AND next_at IS NOT NULL", (now, key)
                )

    def due_events(self, now: float, limit: int) -> list[tuple[int, dict[str, Any], int, int]]:
        """Number, body, deliveries wanted and tries so far of events to tell, the oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM events WHERE due_at <= ? ORDER BY due_at, number LIMIT ?", (now, limit)
            ).fetchall()
        return [(row["number"], json.loads(row["body"]), row["deliveries"], row["tries"]) for row in rows]

    def told(self, numbers: Sequence[int]) -> None:
        """These events are not to be told again."""
        with self._lock, self._writing():
            self._db.executemany("UPDATE events SET due_at = NULL WHERE number = ?", [(n,) for n in numbers])

    def tell_later(self, numbers: Sequence[int], due_at: float) -> None:
        with self._lock, self._writing():
            self._db.executemany(
                "UPDATE events SET due_at = ?, tries = tries + 1 WHERE number = ?", [(due_at, n) for n in numbers]
            )

    def next_due(self) -> float | None:
        """When something is to be done next, seconds since 1970."""
        with self._lock:
            row = self._db.execute(
                "SELECT min(at) FROM (SELECT min(next_at) AS at FROM instructions WHERE next_at IS NOT NULL"
                " UNION ALL SELECT min(due_at) FROM events WHERE due_at IS NOT NULL)"
            ).fetchone()
        return None if row[0] is None else float(row[0])

    def balances(self) -> dict[str, int]:
        """Currency → what is left of an account that began at nought: returned less paid."""
        with self._lock:
            rows = self._db.execute(
                "SELECT i.currency, sum(CASE m.kind WHEN 'paid' THEN -m.amount_minor ELSE m.amount_minor END) AS minor"
                " FROM movements m JOIN instructions i ON i.key = m.key GROUP BY i.currency ORDER BY i.currency"
            ).fetchall()
        return {row["currency"]: row["minor"] for row in rows}

    def activity(self, since: float) -> list[dict[str, Any]]:
        """What moved since, oldest first; below zero it left."""
        with self._lock:
            rows = self._db.execute(
                "SELECT m.key, m.kind, i.currency, m.at,"
                " CASE m.kind WHEN 'paid' THEN -m.amount_minor ELSE m.amount_minor END AS amount_minor"
                " FROM movements m JOIN instructions i ON i.key = m.key WHERE m.at >= ? ORDER BY m.id",
                (since,),
            ).fetchall()
        return [dict(row) for row in rows]

    def summary(self) -> dict[str, Any]:
        """Every instruction with the money it moved: `paid` and `returned` count its movements, at most one each."""
        with self._lock:
            rows = self._db.execute(
                "SELECT i.key, i.reference, i.statement, i.status, i.amount_minor, i.currency, i.times_asked,"
                " count(*) FILTER (WHERE m.kind = 'paid') AS paid,"
                " count(*) FILTER (WHERE m.kind = 'returned') AS returned"
                " FROM instructions i LEFT JOIN movements m ON m.key = i.key GROUP BY i.key ORDER BY i.taken_at, i.key"
            ).fetchall()
            settling = self._db.execute("SELECT count(*) FROM instructions WHERE next_at IS NOT NULL").fetchone()[0]
            untold = self._db.execute("SELECT count(*) FROM events WHERE due_at IS NOT NULL").fetchone()[0]
        instructions = [dict(row) for row in rows]
        by_statement: dict[str, int] = {}
        for one in instructions:
            by_statement[one["statement"]] = by_statement.get(one["statement"], 0) + one["paid"] - one["returned"]
        return {
            "count": len(instructions),
            "movements": sum(one["paid"] + one["returned"] for one in instructions),
            "events_waiting": untold,
            "settling": settling,
            "instructions": instructions,
            "net_payments_by_statement": by_statement,
        }

    def _take_new(self, orders: Sequence[Mapping[str, Any]], now: float, delay_s: float) -> None:
        for order in orders:
            key, digest = str(order["key"]), _digest(order)
            known = self._row(key)
            if known is not None:
                if known["body_sha256"] != digest:
                    raise KeyReused(key)
                self._db.execute("UPDATE instructions SET times_asked = times_asked + 1 WHERE key = ?", (key,))
                continue
            fate = fate_of(order["account"])
            status = "failed" if fate.refused else "waiting" if fate.waits else "accepted"
            next_at = None if fate.refused or not fate.ends else now + (0 if fate.at_once else delay_s)
            self._db.execute(
                "INSERT INTO instructions (key, body_sha256, reference, statement, name, account, amount_minor,"
                " currency, status, code, taken_at, next_at, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    digest,
                    order.get("id") or f"SIM-{uuid.uuid4().hex[:16].upper()}",
                    order["reference"],
                    order["name"],
                    order["account"],
                    order["amount_minor"],
                    order["currency"],
                    status,
                    fate.refused,
                    now,
                    next_at,
                    json.dumps(order.get("extra", {})),
                ),
            )
            if fate.waits:
                self._tell(self._answer(key), fate.deliveries, now, now)
            if fate.at_once:
                self._move_on(self._known(key), now, delay_s)

    def _move_on(self, row: sqlite3.Row, now: float, delay_s: float) -> None:
        """The next step of one instruction: accepted → paid or failed, paid → returned."""
        fate = fate_of(row["account"])
        status = "returned" if row["status"] == "paid" else fate.ends
        code = fate.code if status in ("failed", "returned") else ""
        again = now + delay_s if status == "paid" and fate.returned else None
        self._db.execute(
            "UPDATE instructions SET status = ?, code = ?, next_at = ? WHERE key = ?", (status, code, again, row["key"])
        )
        if status in ("paid", "returned"):
            self._db.execute(
                "INSERT INTO movements (key, kind, amount_minor, at) VALUES (?, ?, ?, ?)",
                (row["key"], status, row["amount_minor"], now),
            )
        if not fate.silent:
            self._tell(self._answer(row["key"]), fate.deliveries, now, now)
            if fate.late_news:
                self._tell({**_answer(row), "status": "accepted"}, 1, now, now + delay_s)

    def _tell(self, answer: Mapping[str, Any], deliveries: int, at: float, due_at: float) -> None:
        body = json.dumps({"id": f"evt_{uuid.uuid4().hex}", "at": round(at, 3), **answer})
        self._db.execute("INSERT INTO events (body, deliveries, due_at) VALUES (?, ?, ?)", (body, deliveries, due_at))

    def _row(self, key: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._db.execute("SELECT * FROM instructions WHERE key = ?", (key,)).fetchone()
        return found

    def _known(self, key: str) -> sqlite3.Row:
        row = self._row(key)
        if row is None:
            raise LookupError(key)
        return row

    def _answer(self, key: str) -> dict[str, Any]:
        return _answer(self._known(key))

    def _writing(self) -> _Writing:
        return _Writing(self._db)


class _Writing:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK when the block raises."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_rest: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def public(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the simulated rail's own calls and webhooks say: no account, and nothing of other dialects."""
    ours = ("account", "statement", "taken_at", "extra")
    return {name: value for name, value in answer.items() if name not in ours}


def _answer(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "key": row["key"],
        "reference": row["reference"],
        "status": row["status"],
        "code": row["code"],
        "message": MESSAGES.get(row["code"], ""),
        "amount_minor": row["amount_minor"],
        "currency": row["currency"],
        "account": row["account"],
        "statement": row["statement"],
        "taken_at": row["taken_at"],
        "extra": json.loads(row["extra"]),
    }


def _digest(order: Mapping[str, Any]) -> str:
    content = {name: value for name, value in order.items() if name != "id"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
