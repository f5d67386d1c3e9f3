# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's process: started detached, recognised by a lock that it holds for life.

`start` takes a file lock and hands the open file to the daemon. The kernel drops the lock when the daemon ends, however
it ends, so neither a stale pid file nor a reused process id can be taken for a running daemon.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from gkelab.cli.errors import CommandError

LOCK = "daemon.lock"
PID = "daemon.pid"
COMMAND = (sys.executable, "-m", "gkelab.daemon")

_POLL_SECONDS = 0.05
# A probe holds the lock shared for a moment; wait that out.
_LOCK_SECONDS = 1.0


class DaemonProcess:
    """The daemon of the lab in one home."""

    def __init__(
        self,
        home: Path,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._home = home
        self._clock = clock
        self._sleep = sleep

    @property
    def log(self) -> Path:
        """What the daemon prints."""
        return self._home / "logs" / "daemon.log"

    def running(self) -> bool:
        """Whether a daemon lives."""
        try:
            with open(self._home / LOCK, "rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except BlockingIOError:
            return True
        return False

    def start(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Start the daemon in a session of its own; False if one lives already."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self._home / LOCK, "ab") as lock:
            if not self._take(lock.fileno()):
                return False
            # An old id must not be read while the lock says that somebody lives.
            (self._home / PID).unlink(missing_ok=True)
            with self.log.open("ab") as output:
                daemon = subprocess.Popen(
                    COMMAND,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env=dict(environment),
                    start_new_session=True,
                    pass_fds=(lock.fileno(),),
                )
            (self._home / PID).write_text(f"{daemon.pid}\n", encoding="ascii")
        # It outlives this command on purpose; without this, Popen would warn about that.
        daemon.returncode = 0
        return True

    def _take(self, handle: int) -> bool:
        deadline = self._clock() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if self._clock() >= deadline:
                    return False
                self._sleep(_POLL_SECONDS)

    def wait_ended(self, seconds: float) -> bool:
        """Wait until no daemon lives, at most so long; whether that came true."""
        deadline = self._clock() + seconds
        while self.running():
            if self._clock() >= deadline:
                return False
            self._sleep(_POLL_SECONDS)
        return True

    def kill(self) -> None:
        """End the daemon at once, without letting it tidy up. Raises CommandError if it stays."""
        if self.running():
            with suppress(OSError, ValueError):
                os.kill(int((self._home / PID).read_text(encoding="ascii")), signal.SIGKILL)
        if not self.wait_ended(10):
            raise CommandError(f"The lab's daemon does not end; see {self._home / PID} for its process id")

    def last_words(self) -> str:
        """The last line of the daemon's log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
