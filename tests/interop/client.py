"""The Go program of this folder: built, started, and asked line by line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FOLDER = Path(__file__).resolve().parent


class Client:
    """A running program; each request is one line of JSON, and so is its answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, request: dict[str, Any]) -> Any:
        """Return the answer to *request*.

        Raises:
            RuntimeError: the program has ended; it said why on standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"no answer to {json.dumps(request)}")
        return json.loads(answer)


@contextmanager
def running_client() -> Iterator[Client]:
    """Build the program with the Go that is installed and run it for the length of the block."""
    with TemporaryDirectory() as folder:
        program = Path(folder) / "interop"
        subprocess.run(["go", "build", "-o", str(program), "."], cwd=FOLDER, check=True)
        with subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process:
            yield Client(process)


def module_version() -> str:
    """Return the version of the module that go.mod pins."""
    lines = (FOLDER / "go.mod").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.strip().startswith("tailscale.com "))
