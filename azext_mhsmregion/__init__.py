"""Managed HSM regions: an Azure CLI extension, the standalone ``mhsm`` and a local emulator.

This module imports nothing: Azure CLI asks it for ``COMMAND_LOADER_CLS``, everybody else
passes through on the way to a floor below (DESIGN: floors that only look down).
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "COMMAND_LOADER_CLS":
        from importlib import import_module

        return import_module("azext_mhsmregion.cli.az").loader_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
