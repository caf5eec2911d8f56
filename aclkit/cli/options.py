"""Options that several commands share, so that each means the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from aclkit.catalogue import CATALOGUE
from aclkit.cli.settings import variable
from aclkit.cli.unusable import did_you_mean
from aclkit.policy.lint.checks import CodeError, silent_codes
from aclkit.report.formats import FORMATS
from aclkit.target import ALIASES, HEADSCALES, TARGETS, UnknownTargetError, find_target

Function = TypeVar("Function", bound=Callable[..., Any])

_TARGET_NAMES = (*ALIASES, *TARGETS)


def _target_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Return the full name of the target called *value*."""
    try:
        return find_target(value).name
    except UnknownTargetError as error:
        hint = did_you_mean(value, _TARGET_NAMES)
        raise click.BadParameter(f"{error}{hint}", ctx, param) from error


def _target_names(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the full names of the targets called *values*."""
    return tuple(_target_name(ctx, param, value) for value in values)


def _outputs(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, Path], ...]:
    """Return format and path of each FORMAT=PATH."""
    return tuple(_output(ctx, param, value) for value in values)


def _output(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, Path]:
    name, _, path = value.partition("=")
    if not path:
        wrong = f"`{value}` is not FORMAT=PATH, such as json=report.json"
    elif name not in FORMATS:
        hint = did_you_mean(name, FORMATS)
        wrong = f"no format `{name}`; known are: {', '.join(FORMATS)}{hint}"
    elif path == "-":
        wrong = f"`-` is standard input; for the screen use --format {name}"
    else:
        return name, Path(path)
    raise click.BadParameter(wrong, ctx, param)


def _codes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the codes of *values*, each of which may hold several with commas."""
    codes = tuple(code.strip() for value in values for code in value.split(",") if code.strip())
    try:
        silent_codes(**{str(param.name): codes})
    except CodeError as error:
        hint = "" if error.code in CATALOGUE else did_you_mean(error.code, CATALOGUE)
        raise click.BadParameter(f"{error}{hint}", ctx, param) from error
    return codes


def _code_names(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return sorted(code for code in CATALOGUE if code.startswith(start))


def _setting(flag: str, *more: str, **attributes: Any) -> Callable[[Function], Function]:
    """Return an option that is also a setting, by file and by environment."""
    return click.option(
        flag, *more, envvar=variable(flag.removeprefix("--")), show_envvar=True, **attributes
    )


policy_option = _setting(
    "--policy",
    metavar="FILE",
    help="The policy; `-` is standard input. Without it, ./policy.hujson.",
)
proto_option = click.option(
    "--proto", metavar="NAME", help="The protocol, by name or number; TCP by default."
)
policy_argument = click.argument("policy", required=False, envvar=variable("policy"))
tailnet_option = _setting(
    "--tailnet",
    metavar="FILE",
    help="The tailnet: users, nodes, services. Without it, the one that the policy implies.",
)
target_option = _setting(
    "--target",
    callback=_target_name,
    shell_complete=lambda _ctx, _param, start: [n for n in _TARGET_NAMES if n.startswith(start)],
    metavar="NAME",
    default="tailscale",
    show_default=True,
    help=f"Who will run the policy: tailscale, headscale ({ALIASES['headscale']}), or another"
    f" version from {HEADSCALES[0].name} to {HEADSCALES[-1].name}.",
)
also_option = click.option(
    "--also",
    "--upgrade-to",
    "also",
    multiple=True,
    callback=_target_names,
    shell_complete=lambda _ctx, _param, start: [n for n in _TARGET_NAMES if n.startswith(start)],
    metavar="NAME",
    help="List also what this target would refuse or mean differently; may be given several times.",
)
format_option = _setting(
    "--format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="What is written to standard output.",
)
answer_format_option = click.option(
    "--format",
    "form",  # the setting `format` is one of reports
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="What is written to standard output.",
)
output_option = _setting(
    "--output",
    callback=_outputs,
    multiple=True,
    metavar="FORMAT=PATH",
    help="Write the report to a file as well; may be given several times.",
)
color_option = _setting(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    show_default=True,
    help="Colours; `auto` asks NO_COLOR, then FORCE_COLOR, then whether this is a terminal.",
)
fail_level_option = _setting(
    "--fail-level",
    type=click.Choice(("error", "warning")),
    default="error",
    show_default=True,
    help="The least severity that gives exit status 1.",
)
ignore_option = _setting(
    "--ignore",
    callback=_codes,
    shell_complete=_code_names,
    multiple=True,
    metavar="CODE",
    help="Leave out warnings with this code; may be given several times, or with commas.",
)
select_option = _setting(
    "--select",
    callback=_codes,
    shell_complete=_code_names,
    multiple=True,
    metavar="CODE",
    help="Report this code too, where it is off by default; --ignore comes before it.",
)


def _quiet(help: str) -> Callable[[Function], Function]:
    return _setting("--quiet", "-q", is_flag=True, help=help)


quiet_option = _quiet("Findings and failed tests only: no notes, no summary.")
no_notes_option = _quiet("Leave out the notes on what was assumed or is not known.")
open_only_option = _quiet("Only what tests leave open, and the totals; no notes.")
stdin_filename_option = click.option(
    "--stdin-filename",
    metavar="NAME",
    default="<stdin>",
    help="The name under which standard input is reported.",
)
