"""The door ``mhsm``: a standalone Knack program over the command table."""

from __future__ import annotations

import gc
import os
import re
import sys
from contextlib import redirect_stdout, suppress
from typing import Any, List, Optional, Sequence, TextIO

from knack.arguments import ArgumentsContext
from knack.cli import CLI
from knack.commands import CLICommandsLoader, CommandGroup
from knack.config import CLIConfig
from knack.events import EVENT_CLI_POST_EXECUTE, EVENT_PARSER_GLOBAL_CREATE
from knack.help import CLIHelp
from knack.output import OutputProducer
from knack.parser import CLICommandParser

from azext_mhsmregion import __version__
from azext_mhsmregion.cli import commands, context, errors
from azext_mhsmregion.provider.errors import ProviderError, UsageError

PROGRAM = context.MHSM.program
LAZY_COLLECTOR = 100_000
"""Allocations between two looks for garbage (Python's own: 700)."""

NEGATIVE = re.compile(r"-\.?\d")
"""What begins as a negative number is a value and no option, ``-5s`` too (argparse itself since 3.14): the
option says then what it takes."""


class Config(CLIConfig):
    """Settings from ``<home>/config``. Knack would make the folder; a look at the help must not."""

    def __init__(self, config_dir: str, config_env_var_prefix: str) -> None:
        folder = config_dir if os.path.isdir(config_dir) else os.path.dirname(__file__)
        super().__init__(config_dir=folder, config_env_var_prefix=config_env_var_prefix)


class Loader(CLICommandsLoader):
    """Registers the typed command alone: parsers of thirty others would be made for nothing. A
    command that is not typed in full (help of a group, a misspelling, a completion) needs all."""

    def load_command_table(self, args: Sequence[str]) -> Any:
        typed = None if self.cli_ctx.data["completer_active"] else commands.typed(args)
        for name in [typed] if typed else commands.COMMANDS:
            group_name, _, verb = name.rpartition(" ")
            command = commands.COMMANDS[name]
            with CommandGroup(self, group_name, "{}", deprecate_info=None) as group:
                view = commands.table_transformer(command.table)
                group.command(verb, command.operation, table_transformer=view)
        return super().load_command_table(args)

    def load_arguments(self, command: str) -> None:
        if command in commands.COMMANDS:
            from azext_mhsmregion.cli import params

            with ArgumentsContext(self, command) as arguments:

                def tell(dest: str, positional: bool = False, **settings: Any) -> None:
                    (arguments.positional if positional else arguments.argument)(dest, **settings)

                params.register(tell, command)
        super().load_arguments(command)


class Help(CLIHelp):
    """Loads the help texts when they are asked for."""

    def show_help(self, *args: Any, **kwargs: Any) -> None:
        self._load()
        with errors.writing():
            super().show_help(*args, **kwargs)

    def show_welcome(self, parser: Any) -> None:
        self.welcome_message = self._load()
        with errors.writing():
            super().show_welcome(parser)

    def show_privacy_statement(self) -> None:
        """Nothing is collected, so there is nothing to state; Knack would write a file here."""

    @staticmethod
    def _load() -> str:
        from azext_mhsmregion.cli import help as texts

        texts.load(PROGRAM, commands.COMMANDS)
        return texts.WELCOME


class Parser(CLICommandParser):
    """Wrong usage ends with exit code 2 and is told in one line; argparse would print every option before
    it. A group without a command shows its help, as with git and az on stderr."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._negative_number_matcher = NEGATIVE

    def error(self, message: str) -> None:
        if message.endswith(("_command", "_subcommand")):
            with redirect_stdout(sys.stderr), suppress(SystemExit):
                self.print_help()
        else:
            said = f"{message[:1].upper()}{message[1:].rstrip('.')}."
            errors.show(UsageError(said, f"Its options: {self.prog} --help" if " " in self.prog else ""))
        self.exit(2)


class Output(OutputProducer):
    """Writes results; a disk that is full is told in one line."""

    def out(self, *args: Any, **kwargs: Any) -> None:
        with errors.writing():
            super().out(*args, **kwargs)


class Mhsm(CLI):
    """The program."""

    def get_cli_version(self) -> str:
        return f"{PROGRAM} {__version__}"

    def show_version(self) -> None:
        with errors.writing():
            super().show_version()

    def exception_handler(self, ex: Exception) -> int:
        if isinstance(ex, BrokenPipeError):  # the reader has seen enough
            return 0
        if isinstance(ex, ProviderError):
            return errors.show(ex)
        return super().exception_handler(ex)


def _add_global_options(_: Any, arg_group: Any, **__: Any) -> None:
    for option in context.GLOBAL_OPTIONS:
        arg_group.add_argument(option.flag, **context.option_settings(option))


def build() -> Mhsm:
    """The program, ready to be invoked."""
    folder = os.path.expanduser(os.environ.get("MHSMREGION_HOME") or "~/.mhsmregion")
    cli = Mhsm(
        cli_name=PROGRAM,
        config_dir=folder,
        config_env_var_prefix=PROGRAM,
        out_file=sys.stdout,
        config_cls=Config,
        commands_loader_cls=Loader,
        help_cls=Help,
        parser_cls=Parser,
        output_cls=Output,
    )
    context.enter(cli, context.MHSM)
    cli.register_event(EVENT_PARSER_GLOBAL_CREATE, _add_global_options)
    cli.register_event(EVENT_CLI_POST_EXECUTE, lambda cli_ctx, **_: errors.tell_interruption(cli_ctx))
    return cli


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command; returns its exit code."""
    arguments: List[str] = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    try:
        code = build().invoke(arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return _flushed(code)


def _open_closed_streams() -> None:
    """``>&-``: what is written there is written nowhere, and not into a file of ours that was
    opened in its place."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = open(os.devnull, "r" if name == "stdin" else "w")  # noqa: SIM115 - for good
            setattr(sys, name, stream)


def _flushed(code: int) -> int:
    """The exit code, once all that was written has been: 1 where the output could not be; a message
    that stderr does not take changes nothing."""
    try:
        with errors.writing():
            sys.stdout.flush()
    except BrokenPipeError:
        _give_up(sys.stdout)
    except errors.OutputError as error:
        code = errors.show(error)
        _give_up(sys.stdout)
    try:
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)
    return code


def _give_up(stream: TextIO) -> None:
    """What it still holds goes nowhere: Python flushes once more, and would end with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def program() -> int:
    """The console script. A process of a tenth of a second has no garbage worth looking for: the
    collector is made lazy, and its last walk at the interpreter's end finds nothing to walk."""
    gc.set_threshold(LAZY_COLLECTOR, 20, 20)
    code = main()
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(program())
