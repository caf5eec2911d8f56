"""A group of commands whose modules are loaded when they are called, not before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from aclkit.cli.settings import Settings
from aclkit.cli.unusable import did_you_mean


class LazyGroup(click.Group):
    """A click group that knows its commands by the names of their modules.

    A module holds one command under the name `command`; the command returns its exit status.
    *elsewhere* has words that other programs have for a command, and what to type here.
    """

    def __init__(
        self,
        *args: Any,
        modules: Mapping[str, str],
        elsewhere: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._modules = modules
        self._elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they were given: the main one first."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called *cmd_name*, or None."""
        module = self._modules.get(cmd_name)
        if module is None:
            return None
        command = import_module(module).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command is for: its first sentence, whole, where click would cut it."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            assert command is not None
            rows.append((name, command.get_short_help_str(limit=1_000)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that *args* begin with; a mistyped one gets a hint."""
        name = args[0]
        if name not in self._modules and not name.startswith("-") and not ctx.resilient_parsing:
            here = self._elsewhere.get(name)
            hint = f"; type `{here}`" if here else did_you_mean(name, self._modules)
            hint = hint or self._for_file(name)
            raise click.UsageError(f"no command `{name}`{hint}", ctx)
        return super().resolve_command(ctx, args)

    def _for_file(self, name: str) -> str:
        """Return what to type where *name* is a file and no command, if there is a main command."""
        if "check" not in self._modules or not (name.endswith(".hujson") or Path(name).is_file()):
            return ""
        return f"; type `aclkit check {name}` to check a policy"

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and end with the status that it returns."""
        try:
            status = super().invoke(ctx)
        except click.BadParameter as error:
            error.param_hint = _origin(error) or error.param_hint
            raise
        ctx.exit(status)


def _origin(error: click.BadParameter) -> str | None:
    """Return where a wrong value was given: as a flag, in the environment or in a file."""
    if error.ctx is None or not isinstance(error.param, click.Option):
        return None
    flag = error.param.opts[0]
    match error.ctx.get_parameter_source(error.param.name or ""):
        case ParameterSource.ENVIRONMENT:
            return f"{error.param.envvar} in the environment"
        case ParameterSource.DEFAULT_MAP:
            settings = error.ctx.find_object(Settings)
            return f"{flag.removeprefix('--')} in {settings.path}" if settings else flag
        case _:
            return flag
