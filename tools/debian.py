"""Programs that some tests need and pip does not bring, from Debian's packages:

    python tools/debian.py dig=bind9-dnsutils ip=iproute2

Installs the package of each program that is missing. Where that is not possible it says what to install
by hand and ends with 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Dict, List, Optional


def missing(wanted: Dict[str, str], path: Optional[str] = None) -> List[str]:
    """The packages of programs that are not there. Also looks where a user's PATH often does not."""
    places = os.pathsep.join([path if path is not None else os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return sorted(
        {package for program, package in wanted.items() if shutil.which(program, path=places) is None}
    )


def install(packages: List[str]) -> bool:
    """Did apt install them?"""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    for command in ([*quiet, "update"], [*quiet, "install", "--yes", "--no-install-recommends", *packages]):
        if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode:
            return False
    return True


def main(arguments: List[str]) -> int:
    wanted = dict(argument.split("=", 1) for argument in arguments)
    packages = missing(wanted)
    if packages and not install(packages):
        print(f"The tests need Debian's {', '.join(packages)}: apt-get install {' '.join(packages)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
