"""Every diagnostic code: what it means, a bad example, the repair.

One module per room or subject that emits codes; `docs/checks.md` is written from here.
"""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.catalogue.headscale import HEADSCALE
from aclkit.catalogue.ignores import IGNORES
from aclkit.catalogue.lint import LINT
from aclkit.catalogue.names import NAMES
from aclkit.catalogue.reading import READING
from aclkit.catalogue.rules import RULES
from aclkit.catalogue.scenarios import FAILED, SCENARIOS, TRUTH
from aclkit.catalogue.ssh import SSH
from aclkit.catalogue.syntax import SYNTAX
from aclkit.catalogue.tailnet import TAILNET

# Each group of codes with its heading in docs/checks.md.
SECTIONS: dict[str, tuple[Entry, ...]] = {
    "The text": SYNTAX,
    "The shape": READING,
    "Names": NAMES,
    "Access rules, grants and attributes": RULES,
    "SSH": SSH,
    "Headscale": HEADSCALE,
    "Lint": LINT,
    "Comments that ignore warnings": IGNORES,
    "Tailnet files": TAILNET,
    "Tests that fail": FAILED,
    "Scenario files": SCENARIOS,
    "What verdicts on tests hide": TRUTH,
}

CATALOGUE: dict[str, Entry] = {
    entry.code: entry for entries in SECTIONS.values() for entry in entries
}
