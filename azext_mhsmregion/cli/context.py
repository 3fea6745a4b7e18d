"""What a command stands in: its door (``mhsm`` or az), the global options, time, the terminal,
and the one place where a provider is obtained."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from knack.log import get_logger

from azext_mhsmregion.cli import places

logger = get_logger(__name__)

_DATA_KEY = "mhsmregion"
_PREFIX = "_mhsm_"

now = time.monotonic
sleep = time.sleep


class Door(NamedTuple):
    """One way in. ``program`` is what the user types, ``default_provider`` the kind used when
    nobody chose one."""

    program: str
    default_provider: str


MHSM = Door("mhsm", "emulator")
AZ = Door("az", "arm")


class GlobalOption(NamedTuple):
    """One option of every command; ``name`` is the field of :class:`Options` that it fills."""

    name: str
    flag: str
    help: str
    metavar: Optional[str] = None
    choices: Optional[Tuple[str, ...]] = None
    parse: Optional[Callable[[str], Any]] = None


GLOBAL_OPTIONS = (
    GlobalOption(
        "kind",
        "--provider",
        "Whom the command talks to: real Azure (arm) or the emulator. "
        "Else MHSMREGION_PROVIDER, else the setting [mhsmregion] provider.",
        choices=("arm", "emulator"),
    ),
    GlobalOption("arm_endpoint", "--arm-endpoint", "Resource Manager's URL, for provider arm.", "URL"),
    GlobalOption(
        "full_body",
        "--full-body",
        "Send the whole resource back on a region change, as az does, instead of location, sku and regions.",
    ),
    GlobalOption("as_name", "--as", "Act as this principal of the emulator's directory.", "NAME"),
    GlobalOption(
        "place",
        "--from",
        "Where this client stands, a region's name: decides which region of a pool answers. "
        "Else MHSMREGION_PLACE.",
        "PLACE",
        parse=places.option,
    ),
    GlobalOption(
        "home", "--home", "The emulator's folder. Else MHSMREGION_HOME, else ~/.mhsmregion.", "FOLDER"
    ),
)


class Options(NamedTuple):
    """The global options as typed; None where the user said nothing."""

    kind: Optional[str] = None
    arm_endpoint: Optional[str] = None
    full_body: bool = False
    as_name: Optional[str] = None
    place: Optional[str] = None
    home: Optional[str] = None

    def as_typed(self) -> List[str]:
        """The options again, as words of a command line."""
        words: List[str] = []
        for option in GLOBAL_OPTIONS:
            value = getattr(self, option.name)
            if value is True:
                words.append(option.flag)
            elif value:
                words += [option.flag, value]
        return words


@dataclass
class Session:
    """State of one invocation, kept in ``cli_ctx.data``. ``sent``: a request that changes
    something was or is being sent; ``deadline``: until when the user waits, as :data:`now` counts."""

    door: Door
    options: Options = field(default_factory=Options)
    sent: bool = False
    deadline: float = float("inf")

    def __deepcopy__(self, _: Any) -> Session:
        """az hands commands a deep copy of its context; the invocation stays one."""
        return self


def option_settings(option: GlobalOption) -> Dict[str, Any]:
    """How argparse and Knack are told of a global option."""
    settings: Dict[str, Any] = {"dest": _PREFIX + option.name, "help": option.help, "default": None}
    if option.choices:
        settings["choices"] = list(option.choices)
    elif option.metavar:
        settings["metavar"] = option.metavar
    else:
        settings["action"] = "store_true"
        settings["default"] = False
    if option.parse:
        settings["type"] = option.parse
    return settings


def enter(cli_ctx: Any, door: Door) -> None:
    """Called once by each door."""
    from knack.events import EVENT_INVOKER_POST_PARSE_ARGS

    cli_ctx.data[_DATA_KEY] = Session(door)
    cli_ctx.register_event(EVENT_INVOKER_POST_PARSE_ARGS, remember_options)


def remember_options(cli_ctx: Any, args: Any, **_: Any) -> None:
    """Keep the parsed global options for the commands."""
    values: Dict[str, Any] = {o.name: getattr(args, _PREFIX + o.name, None) for o in GLOBAL_OPTIONS}
    values["full_body"] = bool(values["full_body"])
    session(cli_ctx).options = Options(**values)


def session(cli_ctx: Any) -> Session:
    """This invocation's session."""
    return cli_ctx.data[_DATA_KEY]


def sending(cli_ctx: Any) -> None:
    """To be called before a request that changes something: from here on nobody can say that
    nothing was changed."""
    session(cli_ctx).sent = True


def give_up_after(cli_ctx: Any, seconds: float) -> None:
    """The user waits so long and no longer: no retry outlasts it."""
    session(cli_ctx).deadline = now() + seconds


def in_az(cli_ctx: Any) -> bool:
    """Did the user come through az?"""
    return session(cli_ctx).door == AZ


def emulator(cli_ctx: Any) -> Any:
    """The emulator's provider, whichever the user chose for other commands."""
    return provider(cli_ctx, "emulator")


def control(cli_ctx: Any, method: str, path: str, body: Optional[Mapping[str, Any]] = None) -> Any:
    """One call of the emulator's own API. Raises ProviderError."""
    return emulator(cli_ctx).control(method, path, body)


def provider(cli_ctx: Any, kind: Optional[str] = None) -> Any:
    """The provider that the user chose, or the one of ``kind``. The one place where a command
    gets one."""
    from azext_mhsmregion.provider.selection import select

    here = session(cli_ctx)
    options = here.options
    return select(
        kind=kind or options.kind,
        environ=os.environ,
        config_get=lambda section, option: cli_ctx.config.get(section, option, fallback=None),
        cli_ctx=cli_ctx if in_az(cli_ctx) else None,
        default=here.door.default_provider,
        place=place(cli_ctx),
        as_name=options.as_name,
        arm_endpoint=options.arm_endpoint,
        full_body=options.full_body,
        home=Path(home(cli_ctx)),
        sleep=sleep,
        now=now,
        on_retry=logger.warning,
        left=lambda: here.deadline - now(),
    )


def place(cli_ctx: Any) -> Optional[str]:
    """Where this client stands, a region's name; None: nobody said."""
    return session(cli_ctx).options.place or places.of_environment(os.environ)


def home(cli_ctx: Any) -> str:
    """The folder with the emulator's state, absolute: that of the throw-away emulator which runs for
    the named home, else the named home."""
    from azext_mhsmregion.emulator.throwaway import follow

    return str(follow(Path(named_home(cli_ctx))))


def named_home(cli_ctx: Any) -> str:
    """The home that the user names, absolute."""
    chosen = session(cli_ctx).options.home or os.environ.get("MHSMREGION_HOME") or "~/.mhsmregion"
    return os.path.abspath(os.path.expanduser(chosen))


def command_line(cli_ctx: Any, *words: str) -> str:
    """A command of ours as the user would type it here, with the global options he gave."""
    here = session(cli_ctx)
    return " ".join(shlex.quote(word) for word in (here.door.program, *words, *here.options.as_typed()))


def shows_progress(cli_ctx: Any) -> bool:
    """Is there somebody to show progress to?"""
    return sys.stderr.isatty() and not cli_ctx.only_show_errors
