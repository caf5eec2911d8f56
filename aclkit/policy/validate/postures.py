"""Checks of `postures` and `defaultSrcPosture`."""

from __future__ import annotations

from aclkit.policy.validate.validation import Validation


def check_postures(validation: Validation) -> None:
    """Check posture names and that the default ones exist."""
    for posture in validation.policy.postures:
        name = posture.name.value
        if not name.startswith("posture:") or name == "posture:":
            validation.error(
                "bad-posture-name",
                f"`{name}` is not the name of a posture",
                posture.name.span,
                help="write `posture:` and a name",
            )
    validation.posture_names(validation.policy.default_src_posture)
