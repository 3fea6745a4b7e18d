"""Installs what the client programs need: ``python setup.py [python|node|go|java ...]``.

Everything lands in ``.clients/<language>`` inside the checkout, by the language's own package
client, at the versions that this folder's lock files name; once, until one of them changes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional

SOURCES = Path(__file__).resolve().parent
FOLDER = SOURCES.parent.parent / ".clients"
LINES_OF_A_FAILURE = 30


class SetupError(Exception):
    """A toolchain is missing, or its package client failed."""


def python(sources: Path, folder: Path) -> None:
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--no-deps", "--requirement", "requirements.txt"], sources)


def node(sources: Path, folder: Path) -> None:
    """The program is copied: Node looks for packages beside the file that imports them."""
    _need("node", "npm")
    for file in _files(sources):
        shutil.copy(file, folder)
    _run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], folder)


def go(sources: Path, folder: Path) -> None:
    _need("go")
    _run(["go", "build", "-o", str(folder / "client"), "."], sources)


def java(sources: Path, folder: Path) -> None:
    _need("javac", "mvn")
    maven = ["mvn", "--quiet", "--batch-mode", f"-Dbuilt={folder}", "-DincludeScope=runtime"]
    _run([*maven, "compile", "dependency:copy-dependencies"], sources)


LANGUAGES: Dict[str, Callable[[Path, Path], None]] = {"python": python, "node": node, "go": go, "java": java}


def set_up(language: str) -> bool:
    """Install one language's needs; False where they stood ready. Raises SetupError."""
    if is_ready(language):
        return False
    folder = FOLDER / language
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (FOLDER / ".gitignore").write_text("*\n")
    LANGUAGES[language](SOURCES / language, folder)
    _marker(language).write_text(_fingerprint(language))
    return True


def is_ready(language: str) -> bool:
    """Is it installed, from the sources and lock files as they are now?"""
    marker = _marker(language)
    return marker.exists() and marker.read_text() == _fingerprint(language)


def _marker(language: str) -> Path:
    return FOLDER / language / ".ready"


def _fingerprint(language: str) -> str:
    digest = hashlib.sha256()
    for file in _files(SOURCES / language):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(SOURCES)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _files(folder: Path) -> List[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise SetupError(f"not installed, or not on PATH: {', '.join(missing)}")


def _run(command: List[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-LINES_OF_A_FAILURE:])
        raise SetupError(f"{' '.join(command)}: exit code {done.returncode}\n{tail}")


def main(languages: Optional[Iterable[str]] = None) -> int:
    """Set up each language; returns 1 when one of them failed, and goes on with the others."""
    failures = 0
    for language in languages or LANGUAGES:
        begun = time.monotonic()
        try:
            if language not in LANGUAGES:
                raise SetupError(f"no such language; there are {', '.join(LANGUAGES)}")
            installed = set_up(language)
        except SetupError as error:
            failures = 1
            print(f"clients: {language}: {error}", file=sys.stderr)
        else:
            how = f"installed in {time.monotonic() - begun:.0f} s" if installed else "ready"
            print(f"clients: {language}: {how} ({FOLDER / language})", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
