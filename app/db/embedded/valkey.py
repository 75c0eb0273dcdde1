"""Valkey (the free Redis) as a child of ours, over a Unix socket in a private folder (and TCP when asked)."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from app.db.embedded import children
from app.db.embedded.binaries import valkey_program
from app.db.embedded.children import end_leftover, private_folder, socket_folder


class Valkey:
    """One server on one folder (`DATA_DIR/valkey`). `durable` writes each change to disk, so that queued jobs survive.

    It never evicts: a queue that forgets jobs is worse than one that is full.
    """

    def __init__(self, folder: Path, *, durable: bool = True, port: int | None = None, log: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.durable = durable
        self.port = port
        self.log = log or self.folder.with_name(self.folder.name + ".log")
        self.sockets = socket_folder("vk", self.folder)
        self.socket = self.sockets / "s"
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self.child.pid if self.child else 0

    def url(self, database: int = 0) -> str:
        return f"unix://{self.socket}?db={database}"

    def start(self) -> Self:
        """Raises CannotStart, with the end of the server's log, when it does not come up."""
        program = valkey_program()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pid_file = self.folder / "valkey.pid"
        end_leftover(pid_file, "valkey", signal.SIGTERM)
        shutil.rmtree(self.sockets, ignore_errors=True)
        private_folder(self.sockets, {})
        options = {
            "port": self.port or 0,
            "bind": "127.0.0.1",
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "dir": self.folder,
            "pidfile": pid_file,
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "maxmemory-policy": "noeviction",
            "databases": 64,
            "loglevel": "warning",
        }
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [program, *(part for name, value in options.items() for part in (f"--{name}", str(value)))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                preexec_fn=children.die_with_parent(signal.SIGTERM),
            )  # fmt: skip
        try:
            children.wait_until(self._answers, self.child, "Valkey", self.log, 60)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        if self.child:
            children.stop_child(self.child, (signal.SIGTERM, 10.0))
            self.child = None
        shutil.rmtree(self.sockets, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        """One PING by hand: it says LOADING instead while it reads its file back."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
