"""Packaging of mhsmregion: the ``mhsm`` program and the Azure CLI extension are one package."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "([^"]+)"', (HERE / "azext_mhsmregion/__init__.py").read_text()).group(1)

# Lower bounds only: inside az its own versions win (DESIGN section 5).
INSTALL_REQUIRES = [
    "knack>=0.10.1",
    "azure-identity>=1.12.0",
    "azure-keyvault-administration>=4.3.0",
    "requests>=2.25.1",
    # the emulator
    "cryptography>=40.0.2",
    "portalocker>=2.3.2",
    "PyJWT>=2.4.0",
    "uvicorn>=0.30",
    "httptools>=0.6",
    "certifi>=2022.12.7",
    "dnspython>=2.6.1",
]

EXTRAS = {
    "test": [
        "pytest>=8",
        "pytest-xdist>=3.5",
        "pytest-cov>=5",
        "hypothesis>=6.100",
        "vcrpy>=6",
        "ruff>=0.6",
        "mypy>=1.11",
        "types-requests",
        "setuptools>=61",
        "wheel",
        "tomli>=2; python_version<'3.11'",
    ],
}

setup(
    name="mhsmregion",
    version=VERSION,
    description="Azure Managed HSM regions: az extension, standalone CLI and a local emulator",
    long_description=(HERE / "README.md").read_text() + "\n\n" + (HERE / "HISTORY.rst").read_text(),
    long_description_content_type="text/markdown",
    license="MIT",
    author="mhsmregion",
    python_requires=">=3.9",
    packages=find_packages(include=["azext_mhsmregion", "azext_mhsmregion.*"]),
    package_data={"azext_mhsmregion": ["azext_metadata.json", "data/*.json"]},
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["mhsm = azext_mhsmregion.cli.app:program"],
        "pytest11": ["mhsmregion = azext_mhsmregion.pytest_plugin"],
    },
    classifiers=[
        "Programming Language :: Python :: 3",
        "License :: OSI Approved :: MIT License",
        "Environment :: Console",
    ],
)
