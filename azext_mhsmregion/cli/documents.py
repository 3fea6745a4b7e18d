"""What commands of the emulator share: documents in YAML or JSON, and paths of its own API."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import quote, urlencode

from azext_mhsmregion.model import messages
from azext_mhsmregion.provider.errors import UsageError


def read(file: str) -> Dict[str, Any]:
    """The object in a YAML or JSON file, as JSON has it. Raises UsageError."""
    document = _loaded(file)
    if not isinstance(document, dict):
        raise UsageError(f"{file} must hold an object.")
    try:
        plain: Dict[str, Any] = _plain(document)
        json.dumps(plain)
    except (TypeError, RecursionError) as error:  # !!binary, !!set, an alias of what it is in
        raise UsageError(f"{file} holds what JSON cannot say.") from error
    return plain


def _loaded(file: str) -> Any:
    import yaml

    try:
        return yaml.load(Path(file).read_text(encoding="utf-8"), _loader(file))  # noqa: S506
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{file} is neither YAML nor JSON: {error}") from error


def _loader(file: str) -> Any:
    """YAML's safe loader, which would take the last of two members of one name and say nothing."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            seen = set()
            for name in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if name.value in seen:
                    where = f"{file}, line {name.start_mark.line + 1}"
                    raise UsageError(f"{where}: {messages.member_twice(name.value)}")
                seen.add(name.value)
            return node

    return Loader


def _plain(value: Any) -> Any:
    """A document as JSON has it: YAML makes dates of what looks like one."""
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value.isoformat() if isinstance(value, date) else value


def quoted(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="")


def with_query(path: str, **members: Optional[str]) -> str:
    """A path with those members of a query that are said."""
    said = {name: value for name, value in members.items() if value}
    return f"{path}?{urlencode(said)}" if said else path
