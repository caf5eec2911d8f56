"""Inventories of running tailnets, as their owners can export them, to the tailnet file.

Each importer is a function from what `parse_inventory` returns to an `ImportResult`. Fields that
it does not know are ignored; all else that it leaves out, drops or assumes is told in a note.
"""

from aclkit.tailnet.importers.draft import ImportResult
from aclkit.tailnet.importers.headscale import import_headscale
from aclkit.tailnet.importers.reading import inventory_source, parse_inventory
from aclkit.tailnet.importers.tailscale_api import import_tailscale_api
from aclkit.tailnet.importers.tailscale_status import import_tailscale_status

__all__ = [
    "ImportResult",
    "import_headscale",
    "import_tailscale_api",
    "import_tailscale_status",
    "inventory_source",
    "parse_inventory",
]
