"""The codes of HuJSON that is not the shape of a policy."""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity

_REFUSED = "The target refuses the whole file and keeps the policy in force."

READING: tuple[Entry, ...] = (
    Entry(
        code="unknown-field",
        severity=Severity.ERROR,
        title="a key that the language does not have",
        why=f"{_REFUSED} A misspelt key that were passed over would leave out what it says.",
        example="""{
  "acls": [
    {"action": "accept", "source": ["*"], "dst": ["*:443"]},
  ],
}
""",
        repair="Correct the spelling. Comments are written `// like this`, not as a key.",
        repaired="""{
  "acls": [
    {"action": "accept", "src": ["*"], "dst": ["*:443"]},
  ],
}
""",
    ),
    Entry(
        code="duplicate-name",
        severity=Severity.ERROR,
        title="a name that one object has twice",
        why="Readers of JSON differ in which of the two counts, so half of what is written would"
        " be lost. Keys of the language are the same in every case: `src` and `Src`.",
        example="""{
  "groups": {
    "group:ops": ["alice@example.com"],
    "group:ops": ["bob@example.com"],
  },
}
""",
        repair="Join the two, or remove one. The label shows where the first one is.",
        repaired="""{
  "groups": {
    "group:ops": ["alice@example.com", "bob@example.com"],
  },
}
""",
    ),
    Entry(
        code="wrong-type",
        severity=Severity.ERROR,
        title="a value of the wrong kind",
        why=f"{_REFUSED} A list stays a list when it has one entry or none.",
        example="""{
  "groups": {"group:ops": "alice@example.com"},
}
""",
        repair="Write the kind of value that the message asks for.",
        repaired="""{
  "groups": {"group:ops": ["alice@example.com"]},
}
""",
    ),
    Entry(
        code="bad-value",
        severity=Severity.ERROR,
        title="a word that a setting does not take",
        why="The setting has a fixed list of values, and any other would have no effect.",
        example="""{
  "OneCGNATRoute": "mac",
}
""",
        repair="Write one of the values that the help lists.",
        repaired="""{
  "OneCGNATRoute": "mac-always",
}
""",
    ),
    Entry(
        code="bad-address",
        severity=Severity.ERROR,
        title="an address that is none",
        why="Hosts and routes are addresses or CIDRs. A name is not looked up, since it could"
        " stand for another address tomorrow.",
        example="""{
  "hosts": {"db": "db.example.com"},
}
""",
        repair="Write an address such as `10.0.0.5`, or a CIDR such as `10.0.0.0/24`.",
        repaired="""{
  "hosts": {"db": "10.0.0.5"},
}
""",
    ),
    Entry(
        code="host-bits",
        severity=Severity.WARNING,
        title="a CIDR that names one address and means a network",
        why="`192.168.1.1/24` is read as all of `192.168.1.0/24`: 256 addresses, where perhaps one"
        " was meant.",
        example="""{
  "acls": [
    {"action": "accept", "src": ["*"], "dst": ["192.168.1.1/24:443"]},
  ],
}
""",
        repair="Write the network, or the address without a length.",
        repaired="""{
  "acls": [
    {"action": "accept", "src": ["*"], "dst": ["192.168.1.1:443"]},
  ],
}
""",
    ),
    Entry(
        code="mixed-legacy-names",
        severity=Severity.ERROR,
        title="`users` and `ports` beside `src` and `dst`",
        why="They are the old and the new names of the same fields. Tailscale takes either, but"
        " one style for the whole section.",
        example="""{
  "acls": [
    {"action": "accept", "src": ["*"], "dst": ["*:22"]},
    {"action": "accept", "users": ["*"], "ports": ["*:443"]},
  ],
}
""",
        repair="Write `src` and `dst` everywhere.",
        repaired="""{
  "acls": [
    {"action": "accept", "src": ["*"], "dst": ["*:22"]},
    {"action": "accept", "src": ["*"], "dst": ["*:443"]},
  ],
}
""",
    ),
    Entry(
        code="limit-rules",
        severity=Severity.ERROR,
        title="more rules and tests than allowed",
        why="Files of others must not take all time. An example would need 200,000 rules.",
        example="",
        repair="Split the file, or raise the limit for files that you trust.",
    ),
    Entry(
        code="limit-members",
        severity=Severity.ERROR,
        title="more names in lists than allowed",
        why="Files of others must not take all time. An example would need 2,000,000 names.",
        example="",
        repair="Split the file, or raise the limit for files that you trust.",
    ),
    Entry(
        code="limit-expansions",
        severity=Severity.ERROR,
        title="more steps to resolve ipsets than allowed",
        why="Ipsets that hold each other can grow with the square of the file. Files of others"
        " must not take all time. An example would need thousands of ipsets.",
        example="",
        repair="Name addresses where they are used, or raise the limit for files that you trust.",
    ),
)
