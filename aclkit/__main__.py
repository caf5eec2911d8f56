"""``python -m aclkit``: the command line."""

from __future__ import annotations

from aclkit.cli.main import run

if __name__ == "__main__":
    run()
