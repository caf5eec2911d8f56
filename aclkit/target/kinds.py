"""The words in which targets are described: kinds, positions, effects, meanings."""

from __future__ import annotations

from enum import Enum


class SelectorKind(Enum):
    """The kinds of one entry of `src`, `dst` and the other lists of names."""

    # The hash of Enum runs Python code, and kinds are keys wherever a policy is looked through.
    __hash__ = object.__hash__

    WILDCARD = "`*`"
    USER = "a user"
    DOMAIN = "a `user:*@domain`"
    GROUP = "a group"
    TAG = "a tag"
    HOST = "a host"
    IP = "an IP address"
    CIDR = "a CIDR"
    RANGE = "an IP range"
    IPSET = "an ipset"
    SERVICE = "a service"
    HOST_MEMBER = "a `host:` name"
    AUTOGROUP = "an autogroup"


class Position(Enum):
    """The places of a policy at which selectors stand."""

    ACL_SRC = "`src` of an access rule"
    ACL_DST = "`dst` of an access rule"
    GRANT_SRC = "`src` of a grant"
    GRANT_DST = "`dst` of a grant"
    VIA = "`via`"
    SSH_SRC = "`src` of an SSH rule"
    SSH_DST = "`dst` of an SSH rule"
    NODE_ATTR_TARGET = "`target` of a nodeAttrs entry"
    TAG_OWNER = "`tagOwners`"
    AUTO_APPROVER = "`autoApprovers`"
    GROUP_MEMBER = "`groups`"
    IPSET_MEMBER = "`ipsets`"
    TEST_SRC = "`src` of a test"
    TEST_DST = "a destination of a test"
    SSH_TEST_SRC = "`src` of an SSH test"
    SSH_TEST_DST = "`dst` of an SSH test"


class Reading(Enum):
    """What a target does with a key."""

    READ = "read"
    UNUSED = "read, and refused where its shape is wrong, but without effect"
    IGNORED = "ignored"
    REFUSED = "refused"


class Duplicates(Enum):
    """What a target does with a name that one object has twice."""

    REFUSED = "refused"
    LAST = "the last one counts"
    MERGED = "the last one counts, after maps are merged"


class Effect(Enum):
    """What a target does with something that a policy says."""

    WORKS = "works"
    DEAD = "accepted, but without effect"
    REFUSED = "refused"


class Undefined(Enum):
    """What a target does with a name that the policy does not define."""

    DEAD = "accepted, but names nobody"
    UNLESS_ON_A_NODE = "refused unless a node has it"
    REFUSED = "refused"


class AbsentRules(Enum):
    """What a policy without any rule section allows."""

    TAILNET = "everything in the tailnet"
    EVERYTHING = "everything"
    NOTHING = "nothing"


class TagNames(Enum):
    """Which keys of `tagOwners` a target takes."""

    ANY = "any; one without `tag:` does nothing"
    PREFIXED = "`tag:` and anything"
    LETTER = "`tag:`, a letter and anything"
    STRICT = "`tag:`, a letter, then letters, digits and dashes"


class Login(Enum):
    """The forms of one entry of `users` in an SSH rule, and the lack of entries."""

    NONE = "no `users` at all"
    BLANK = "an empty login"
    WILDCARD = "`*`"
    NONROOT = "`autogroup:nonroot`"
    AUTOGROUP = "another autogroup"
    LOCALPART = "`localpart:*@domain`"


class Periods(Enum):
    """How a target reads `checkPeriod`."""

    GO = "a Go duration: `12h`, `1h30m`"
    PROMETHEUS = "a Prometheus duration: `1d`, `12h`, whole numbers only"


class UserWords(Enum):
    """Which words name a user in a policy."""

    LOGIN = "the login"
    NAME = "the name (in groups, the email cut down to it)"
    PLAIN = "the provider's id, the email or the name"
    AT_SIGN = "the provider's id with an `@`, the email, or the name and an `@`"


class Wildcard(Enum):
    """What `*` stands for as a source."""

    TAILNET = "the tailnet's addresses and approved subnet routes"
    EVERYTHING = "every address"


class Brings(Enum):
    """Whether a selector of addresses brings other addresses of the nodes that it names along."""

    NOTHING = "nothing"
    NODE_AT_BASE = "all addresses of a node that has its first address"
    NODES_INSIDE = "all addresses of every node with an address inside"


class TaggedNodes(Enum):
    """Whether a tagged node counts for its user too."""

    TAG_ONLY = "no: a tagged node has no user"
    UNLESS_FORCED = "yes, unless the tag was given by command line or key"
    IN_GROUPS = "no as a user, yes as a member of a group"


class Checks(Enum):
    """What the SSH action `check` does."""

    ASK = "asks the user to authenticate again"
    LIMIT = "accepts, and ends the session after `checkPeriod`"
