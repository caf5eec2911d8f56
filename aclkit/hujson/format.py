"""Format a document exactly as the control plane's own formatter does.

Other tools hash the formatted text, so every byte counts. The steps: clean up the literals and
needless white space; decide which objects and arrays are expanded over several lines; print what
stands between the tokens; add and remove trailing commas; align the values of members. Each step
goes over the whole tree before the next one begins, and none recurses.
"""

from __future__ import annotations

from collections.abc import Iterator

from aclkit.hujson.alignment import align_values
from aclkit.hujson.comments import WHITE_SPACE, print_extra
from aclkit.hujson.estimate import decide_expansion
from aclkit.hujson.extras import breaks, has_comment
from aclkit.hujson.layout import Node, drop_white_space, is_standard, lay_out
from aclkit.hujson.tree import Document


def format_document(document: Document) -> str:
    """Return the text of *document* in the canonical format.

    Formatting a formatted text changes nothing. Values and comments stay, except that strings get
    the shortest escapes; a document that is standard JSON stays so.
    """
    root, containers = lay_out(document.value)
    wants_commas = not is_standard(root, containers)
    drop_white_space(containers)
    decide_expansion(containers)
    for container in containers:
        _settle_trailing_comma(container, wants_commas)
        _print_extras(container)
    align_values(containers)
    before = print_extra(root.before, "").lstrip(WHITE_SPACE)
    after = print_extra(root.after, "").rstrip(WHITE_SPACE)
    root.before = root.after = ""
    return "".join([before, *_texts(root), after, "\n"])


def _settle_trailing_comma(container: Node, wants_commas: bool) -> None:
    """Give each expanded container a trailing comma and take it from the others."""
    if not container.items:
        return
    if container.expanded:
        container.trailing_comma = container.trailing_comma or wants_commas
        return
    last = container.items[-1]
    if container.trailing_comma and not (has_comment(last.after) and has_comment(container.tail)):
        container.trailing_comma = False
        container.tail = last.after + container.tail
        last.after = ""


def _indent(level: int) -> str:
    return "\t" * level


def _print_extras(container: Node) -> None:
    """Print all extras directly in *container*, and set the levels of the containers in it."""
    level = container.level
    inner, beside_colon = _indent(level + 1), _indent(level + 2)
    for at, item in enumerate(container.items):
        item.level = level + container.expanded
        leading = item
        if container.names:
            leading = name = container.names[at]
            item.level += breaks(name.after) or breaks(item.before)
            name.after = _print_beside_colon(name.after, beside_colon)
            item.before = _print_beside_colon(item.before, beside_colon) or " "
        leading.before = print_extra(
            leading.before,
            inner,
            begins_line=container.expanded and not breaks(leading.before),
            cut_front=at == 0,
        ) or (" " if at else "")
        item.after = _print_beside_colon(item.after, beside_colon)
    container.tail = print_extra(
        container.tail,
        inner,
        last_indent=_indent(level),
        ends_line=container.expanded,
        cut_front=not container.items,
        cut_end=True,
    )


def _print_beside_colon(extra: str, indent: str) -> str:
    return print_extra(extra, indent, cut_front=True, cut_end=True)


def _texts(root: Node) -> Iterator[str]:
    """Return all pieces of the formatted text, in order."""
    pending: list[Node | str] = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            yield node
            continue
        yield node.before
        yield node.text
        if not node.closing:
            yield node.after
            continue
        pending.extend((node.after, node.closing, node.tail))
        if node.trailing_comma:
            pending.append(",")
        pending.extend(reversed(list(_items(node))))


def _items(container: Node) -> Iterator[Node | str]:
    for at, item in enumerate(container.items):
        if at:
            yield ","
        if container.names:
            yield container.names[at]
            yield ":"
        yield item
