"""Runs of the command line for the tests: in this process, as a child, and at a terminal."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

from click.testing import CliRunner, Result

from aclkit.cli.main import aclkit

GOOD = """{
  "groups": {"group:eng": ["alice@example.com"]},
  "tagOwners": {"tag:web": ["group:eng"]},
  "acls": [{"action": "accept", "src": ["group:eng"], "dst": ["tag:web:443"]}],
  "tests": [{"src": "alice@example.com", "accept": ["tag:web:443"], "deny": ["tag:web:22"]}],
}
"""
UNTESTED = GOOD.replace('"tests"', '// "tests"')
BAD = GOOD.replace('"src": ["group:eng"]', '"src": ["group:enng"]')
FAILING = GOOD.replace('"deny": ["tag:web:22"]', '"deny": ["tag:web:443"]')


@dataclass(frozen=True, slots=True)
class Done:
    """How a child process ended."""

    status: int
    out: str
    err: str


def invoke(*args: str, stdin: str | bytes | None = None) -> Result:
    """Run the command line in this process; a bug in it raises here."""
    return CliRunner().invoke(aclkit, args, input=stdin, catch_exceptions=False)


def clean_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which nothing decides on colours, widths, encodings or settings."""
    refused = (
        *("ACLKIT_", "COLUMNS", "NO_COLOR", "FORCE_COLOR"),
        *("LC_", "PYTHONIOENCODING", "PYTHONUTF8"),
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(refused)}
    return clean | {"TERM": "xterm", "PYTHONWARNINGS": "error"} | dict(environment or {})


def spawn(
    *args: str,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Done:
    """Run the command line as a child process without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "aclkit", *args],
        cwd=cwd,
        env=clean_environment(environment),
        input=stdin,
        capture_output=True,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def unread(*args: str, cwd: Path) -> Done:
    """Run it as a child process of whose standard output the first characters are read, no more."""
    child = subprocess.Popen(
        [sys.executable, "-m", "aclkit", *args],
        cwd=cwd,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    seen = child.stdout.read(10)
    child.stdout.close()
    told = child.stderr.read()
    child.stderr.close()
    return Done(child.wait(), seen.decode(), told.decode())


def at_terminal(
    *args: str,
    cwd: Path,
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    together: bool = False,
) -> Done:
    """Run the command line as a child process whose standard output is a terminal.

    Standard error is a pipe; *together* with it, as people have it, both are in `out`.
    """
    controller, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "aclkit", *args],
        cwd=cwd,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal if together else subprocess.PIPE,
    )
    os.close(terminal)
    seen = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:  # the child has closed its side
            break
        if not piece:
            break
        seen += piece
    os.close(controller)
    _, told = child.communicate()
    return Done(child.returncode, seen.decode().replace("\r\n", "\n"), (told or b"").decode())
