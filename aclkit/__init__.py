"""aclkit: check, test and compile Tailscale and Headscale policy files offline.

The names below are the public interface; each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aclkit import hujson as hujson
    from aclkit.checking import Report as Report
    from aclkit.checking import check as check
    from aclkit.compiled import CompiledPolicy as CompiledPolicy
    from aclkit.compiled import Netmap as Netmap
    from aclkit.compiled import compile_policy as compile_policy
    from aclkit.diagnostics import Diagnostic as Diagnostic
    from aclkit.diagnostics import PolicyError as PolicyError
    from aclkit.diagnostics import TailnetError as TailnetError
    from aclkit.limits import Limits as Limits
    from aclkit.policy.load import load_policy as load_policy
    from aclkit.policy.model import Policy as Policy
    from aclkit.tailnet.load import load_tailnet as load_tailnet
    from aclkit.tailnet.model import Tailnet as Tailnet

_HOMES = {
    "CompiledPolicy": "aclkit.compiled",
    "Diagnostic": "aclkit.diagnostics",
    "Limits": "aclkit.limits",
    "Netmap": "aclkit.compiled",
    "Policy": "aclkit.policy.model",
    "PolicyError": "aclkit.diagnostics",
    "Report": "aclkit.checking",
    "Tailnet": "aclkit.tailnet.model",
    "TailnetError": "aclkit.diagnostics",
    "check": "aclkit.checking",
    "compile_policy": "aclkit.compiled",
    "load_policy": "aclkit.policy.load",
    "load_tailnet": "aclkit.tailnet.load",
}

__all__ = sorted([*_HOMES, "hujson"])
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "hujson":
        return importlib.import_module("aclkit.hujson")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module `aclkit` has no attribute `{name}`")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
