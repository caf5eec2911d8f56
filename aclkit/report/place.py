"""Where a finding is, in the words of every format for people: ``policy.hujson:12:14``."""

from __future__ import annotations

from aclkit.diagnostics import Label
from aclkit.report.display import visible
from aclkit.report.style import Style
from aclkit.source import Source, Span


def span_in(source: Source, label: Label) -> Span | None:
    """Return the span of *label* if it lies in the text that is at hand.

    It does not for data without a text, nor where the bytes of a policy gave no text.
    """
    span = label.span
    return span if span is not None and span.end <= len(source.text) else None


def file_name(source: Source, style: Style) -> str:
    """Return the name of the file as it may begin a line.

    The runner of a CI service takes a line that begins with `::` for a command to it.
    """
    name = visible(source.name, ascii=style.ascii)
    return f"./{name}" if name.lstrip().startswith("::") else name


def place(source: Source, label: Label, style: Style) -> str:
    """Return file, line and column of *label*; file and path where there is no text."""
    name = file_name(source, style)
    span = span_in(source, label)
    if span is not None:
        position = source.position(span.start)
        return f"{name}:{position.line}:{position.column}"
    return f"{name}: {visible(label.path, ascii=style.ascii)}" if label.path else name
