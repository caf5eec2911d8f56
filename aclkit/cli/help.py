"""What stands at the end of the help of a command: what to type, for those who read no more."""

from __future__ import annotations


def examples(*commands: str) -> str:
    """Return *commands* as the last paragraph of a help, a line for each."""
    lines = "\n".join(f"  {command}" for command in commands)
    return f"\b\nExamples:\n{lines}"  # the backspace makes click keep the lines
