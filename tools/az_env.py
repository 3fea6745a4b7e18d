"""Sets up one unmodified Azure CLI under ``.az/<version>`` (packages from PyPI), once."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".az"
TESTING = ("pytest>=8", "hypothesis>=6.100", "vcrpy>=6")
"""What our suites need to run under az's own Python: beside it, so that az stays unmodified."""


def main(version: str) -> int:
    """Install azure-cli ``version``; a finished installation is left as it is."""
    home = FOLDER / version
    marker = home / ".ready"
    if not marker.exists():
        print(f"Setting up az {version} in {home} (once; packages from PyPI) ...", flush=True)
        venv.create(home, with_pip=True, clear=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"azure-cli=={version}", "setuptools<81", "wheel"], check=True)
        beside = FOLDER / f"{version}-testing"
        subprocess.run([*pip, "--target", str(beside), *TESTING], check=True)
        marker.touch()
    print(f"az {version}: {home / 'bin' / 'az'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
