"""The pages of docs/: what of them is run, as one shell script a page.

``<!-- run -->`` before a fenced block: a part of the script. ``<!-- file NAME -->`` before one: a file
that lies there when the script begins. A fenced ``output`` block: what the part before it prints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"(?:<!-- (run|file (\S+)) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (?:run|file )")
_IDS = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:<port>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<time>"),
)
BETWEEN = "=== the next part ==="


@dataclass
class Part:
    """Commands of a page, and what they print (None: the page does not say)."""

    commands: str
    output: Optional[str] = None


@dataclass
class Page:
    """``parts`` in order, ``files`` by name."""

    parts: List[Part]
    files: Dict[str, str]

    @property
    def script(self) -> str:
        """All parts in one shell, so that what one sets the next has."""
        return f"\necho '{BETWEEN}'\n".join(part.commands for part in self.parts)


def read(name: str) -> Page:
    """A page. Raises ValueError for a mark that stands before no block, or an output after no part."""
    return parsed((DOCS / name).read_text(encoding="utf-8"))


def parsed(text: str) -> Page:
    page = Page([], {})
    marked = 0
    for mark, file, language, body in _BLOCK.findall(text):
        marked += bool(mark)
        if mark == "run":
            if language != "sh":
                raise ValueError(f"a {language} block is not run; make it a file")
            page.parts.append(Part(body))
        elif mark:
            page.files[file] = body
        elif language == "output":
            if not page.parts or page.parts[-1].output is not None:
                raise ValueError("an output block follows no part that is run")
            page.parts[-1].output = body
    if marked != len(_MARK.findall(text)):
        raise ValueError("a mark stands before no fenced block")
    return page


def without_ids(text: str) -> str:
    """Ids, ports and times made alike, and the space at the ends gone."""
    for pattern, instead in _IDS:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
