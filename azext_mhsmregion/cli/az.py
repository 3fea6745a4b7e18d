"""The door az: the extension's loader over the same command table. Imports of azure.cli wait
until az asks for the class."""

from __future__ import annotations

from functools import cache
from typing import Any, Dict

from azext_mhsmregion.cli import commands, context, errors, params

# az merges settings that core registered for arguments of the same name (a validator that asks
# Azure before our code runs, a default group); each of ours is defined by us alone.
OURS_ALONE: Dict[str, Any] = {
    "validator": None,
    "completer": None,
    "configured_default": None,
    "local_context_attribute": None,
    "id_part": None,
    "arg_group": None,
}
IN_AZ = {name: command for name, command in commands.COMMANDS.items() if command.in_az}


@cache
def loader_class() -> type:
    """The AzCommandsLoader of this extension. Its ``__module__`` is the package: az builds its
    command index from it and runs core's command instead when it finds another name there."""
    from azure.cli.core import AzCommandsLoader
    from knack.events import EVENT_CLI_POST_EXECUTE

    from azext_mhsmregion.cli import help as texts

    class MhsmRegionCommandsLoader(AzCommandsLoader):
        def __init__(self, cli_ctx: Any = None) -> None:
            from azure.cli.core.commands import CliCommandType

            super().__init__(cli_ctx=cli_ctx, custom_command_type=CliCommandType(operations_tmpl="{}"))
            context.enter(cli_ctx, context.AZ)
            cli_ctx.register_event(EVENT_CLI_POST_EXECUTE, _tell_interruption)
            texts.load(context.AZ.program, IN_AZ)

        def load_command_table(self, args: Any) -> Any:
            for name, command in IN_AZ.items():
                group_name, _, verb = name.rpartition(" ")
                with self.command_group(group_name) as group:
                    group.custom_command(
                        verb,
                        command.operation,
                        table_transformer=commands.table_transformer(command.table),
                        exception_handler=errors.raise_for_az,
                    )
            return self.command_table

        def load_arguments(self, command: str) -> None:
            if command not in IN_AZ:
                return
            with self.argument_context(command) as arguments:

                def tell(dest: str, positional: bool = False, **settings: Any) -> None:
                    # az leaves a parameter of this name out of what it reads from a signature.
                    argument = arguments.extra if dest == "no_wait" else arguments.argument
                    argument = arguments.positional if positional else argument
                    argument(dest, **{**OURS_ALONE, **settings})

                params.register(tell, command)
                for option in context.GLOBAL_OPTIONS:
                    settings = context.option_settings(option)
                    arguments.extra(
                        settings.pop("dest"),
                        options_list=[option.flag],
                        arg_group="Provider",
                        **settings,
                    )

    MhsmRegionCommandsLoader.__module__ = "azext_mhsmregion"
    return MhsmRegionCommandsLoader


def _tell_interruption(cli_ctx: Any, **_: Any) -> None:
    """az may have loaded us for a command that is not ours."""
    if cli_ctx.data["command"] in IN_AZ:
        errors.tell_interruption(cli_ctx)
