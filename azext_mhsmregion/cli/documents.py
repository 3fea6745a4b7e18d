"""What commands of the emulator share: documents in YAML or JSON, and paths of its own API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional
from urllib.parse import quote, urlencode

from azext_mhsmregion.provider.errors import UsageError


def read(file: str) -> Dict[str, Any]:
    """The object in a YAML or JSON file. Raises UsageError."""
    import yaml

    try:
        document = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{file} is neither YAML nor JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{file} must hold an object.")
    return document


def quoted(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="")


def with_query(path: str, **members: Optional[str]) -> str:
    """A path with those members of a query that are said."""
    said = {name: value for name, value in members.items() if value}
    return f"{path}?{urlencode(said)}" if said else path
