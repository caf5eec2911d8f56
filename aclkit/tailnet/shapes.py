"""The shapes of the tailnet file: which keys there are and what kind of value each holds.

Pydantic checks kinds only. What a text means is read in `aclkit.tailnet.fields`, and what entries
mean to each other in `aclkit.tailnet.lower`. Neither pydantic's errors nor its types leave here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar, cast

from pydantic import (
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    with_config,
)
from typing_extensions import TypedDict

from aclkit.tailnet.findings import Findings, Path, kind_of, printable

_CONFIG = ConfigDict(strict=True, extra="forbid")

Created = Annotated[
    Any,
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}]}),
]
Attribute = Annotated[Any, WithJsonSchema({"type": ["string", "number", "boolean"]})]
RoleName = Literal[
    "owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor", "member"
]


@with_config(_CONFIG)
class UserShape(TypedDict):
    """A person, in the order of creation."""

    login: Annotated[str, Field(description="What policies call the user: alice@example.com.")]
    name: NotRequired[
        Annotated[str, Field(description="How the user is shown; else the login up to its @.")]
    ]
    role: NotRequired[
        Annotated[RoleName, Field(description="What the user may administer; else member.")]
    ]
    type: NotRequired[
        Annotated[
            Literal["member", "shared"],
            Field(description="Shared users belong to another tailnet; else member."),
        ]
    ]
    provider_id: NotRequired[
        Annotated[str, Field(description="The user's id at the identity provider.")]
    ]


@with_config(_CONFIG)
class NodeShape(TypedDict):
    """A device. It has either a user or tags."""

    name: Annotated[str, Field(description="Unique without regard to case.")]
    id: NotRequired[Annotated[str, Field(description="Unique; else the name.")]]
    user: NotRequired[Annotated[str, Field(description="The login of the owner.")]]
    tags: NotRequired[
        Annotated[list[str], Field(description="The tags that are this node's identity.")]
    ]
    addresses: Annotated[
        list[str], Field(description="IP addresses without a prefix length, at least one.")
    ]
    advertised_routes: NotRequired[
        Annotated[
            list[str],
            Field(description="CIDRs that the node offers; an exit node: 0.0.0.0/0 and ::/0."),
        ]
    ]
    approved_routes: NotRequired[
        Annotated[
            list[str],
            Field(
                description="The advertised routes that are in force. Without this key: those"
                " that the policy auto-approves."
            ),
        ]
    ]
    online: NotRequired[
        Annotated[bool, Field(description="An offline router is never primary; else true.")]
    ]
    created: NotRequired[
        Annotated[
            Created,
            Field(description="A time with zone, or in all nodes a rank; else unknown and last."),
        ]
    ]
    posture: NotRequired[
        Annotated[
            dict[str, Attribute],
            Field(description='What posture assertions look at: {"node:os": "linux"}.'),
        ]
    ]


@with_config(_CONFIG)
class ServiceShape(TypedDict):
    """A service with addresses of its own."""

    name: Annotated[str, Field(description="svc: and a DNS label.")]
    tags: NotRequired[Annotated[list[str], Field(description="The tags of the service.")]]
    addresses: NotRequired[Annotated[list[str], Field(description="Its IP addresses.")]]
    hosts: NotRequired[Annotated[list[str], Field(description="Names of nodes that serve it.")]]
    approved: NotRequired[
        Annotated[bool, Field(description="Whether those nodes may serve it; else true.")]
    ]


@with_config(_CONFIG)
class TailnetShape(TypedDict):
    """A tailnet as aclkit reads it."""

    domains: NotRequired[
        Annotated[
            list[str],
            Field(description="The tailnet's domains; else those of its members' logins."),
        ]
    ]
    # The entries are checked one by one, each by its own shape, so that a wrong one does not hide
    # what the others say, and so that no copy of the whole file is made.
    users: NotRequired[
        Annotated[
            list[Any],
            Field(description="In the order of creation; else the users of the nodes."),
        ]
    ]
    groups: NotRequired[
        Annotated[
            dict[str, list[str]],
            Field(description="Groups synced from an identity provider, to their members' logins."),
        ]
    ]
    nodes: NotRequired[Annotated[list[Any], Field(description="The devices.")]]
    services: NotRequired[Annotated[list[Any], Field(description="The services.")]]


T = TypeVar("T")


class Shape(Generic[T]):
    """One kind of object in the tailnet file."""

    def __init__(self, adapter: TypeAdapter[T], article_and_noun: str, keys: Mapping[str, Any]):
        # The adapter's own method only wraps this one, which runs once per node.
        self._validate = adapter.validator.validate_python
        self._what = article_and_noun
        self._keys = tuple(keys)

    def read(self, value: object, path: Path, findings: Findings) -> T | None:
        """Return a copy of *value* if it has this shape; else note why not.

        If all that is wrong are keys too many, the copy goes without them; else it is None.
        """
        try:
            return cast("T", self._validate(value))
        except ValidationError as invalid:
            faults = invalid.errors(include_url=False)
        for fault in faults:
            self._note(fault["type"], path, fault["loc"], fault["input"], findings)
        if not isinstance(value, dict) or any(each["type"] != _SURPLUS for each in faults):
            return None
        known = {key: value[key] for key in self._keys if key in value}
        return cast("T", self._validate(known))

    def _note(self, kind: str, path: Path, at: Path, value: object, findings: Findings) -> None:
        place = (*path, *at)
        key = printable(str(at[-1])) if at else ""
        match kind:
            case "missing":
                findings.add(
                    "tailnet-missing-key",
                    f"{self._what} needs `{key}`",
                    place[:-1],
                    help=f'add `"{key}"`',
                )
            case "extra_forbidden":
                near = findings.near_miss(str(at[-1]), self._keys)
                findings.add(
                    "tailnet-unknown-key",
                    f"{self._what} has no key `{key}`",
                    place,
                    at_name=True,
                    help=near or f"its keys are {', '.join(self._keys)}",
                )
            case "literal_error":
                self._note_choice(at, place, value, findings)
            case _:
                wanted = _WANTED.get(kind)
                # A key that is not a string, or not Unicode, has the path of its object.
                subject = f"`{key}`" if isinstance(place[-1] if place else 0, str) else "this"
                found = f"`{printable(value)}`" if isinstance(value, str) else kind_of(value)
                findings.add(
                    "tailnet-wrong-type",
                    f"{subject} must be {wanted}, not {found}"
                    if wanted
                    else f"{subject} can't be {found}",
                    place,
                    help=f"write {wanted}" if wanted else None,
                )

    def _note_choice(self, at: Path, place: Path, value: object, findings: Findings) -> None:
        choices = _CHOICES[str(at[-1])]
        shown = f"`{printable(value)}`" if isinstance(value, str) else kind_of(value)
        near = findings.near_miss(value, choices) if isinstance(value, str) else None
        findings.add(
            "tailnet-unknown-role" if at[-1] == "role" else "tailnet-unknown-user-type",
            f"{shown} is not a {'role' if at[-1] == 'role' else 'type of user'}",
            place,
            help=near or f"it is one of {', '.join(choices)}",
        )


_SURPLUS = "extra_forbidden"
_WANTED = {
    "string_type": "a string",
    "string_unicode": "a string of Unicode characters",
    "list_type": "an array",
    "dict_type": "an object",
    "bool_type": "true or false",
}
_CHOICES = {
    "role": ("owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor", "member"),
    "type": ("member", "shared"),
}

_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {
    "users": TypeAdapter(UserShape),
    "nodes": TypeAdapter(NodeShape),
    "services": TypeAdapter(ServiceShape),
}
_TAILNET = TypeAdapter(TailnetShape)
TAILNET = Shape(_TAILNET, "a tailnet", TailnetShape.__annotations__)
USER: Shape[UserShape] = Shape(_ADAPTERS["users"], "a user", UserShape.__annotations__)
NODE: Shape[NodeShape] = Shape(_ADAPTERS["nodes"], "a node", NodeShape.__annotations__)
SERVICE: Shape[ServiceShape] = Shape(
    _ADAPTERS["services"], "a service", ServiceShape.__annotations__
)


def tailnet_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the tailnet file.

    It says which keys and kinds of values there are. Rules between entries, and the syntax of
    addresses and tags, are beyond it.
    """
    schema = _untitled(_TAILNET.json_schema())
    for section, adapter in _ADAPTERS.items():
        schema["properties"][section]["items"] = _untitled(adapter.json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* without the titles that pydantic derives from the names of our classes."""
    return {
        key: _untitled(value) if isinstance(value, dict) else value
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
