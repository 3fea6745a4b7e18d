"""The floor itself: what it imports, and what it never does (DESIGN section 1, STYLE habit 5)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import azext_mhsmregion.crypto

FOLDER = Path(azext_mhsmregion.crypto.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
STANDARD_LIBRARY = {
    "__future__", "base64", "binascii", "datetime", "hashlib", "hmac", "json", "struct", "typing", "uuid",
}  # fmt: skip


def imports(path):
    """(level, module) of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports_are_pyca_the_standard_library_and_this_folder(path):
    own = {file.stem for file in FILES}
    for level, module in imports(path):
        root = module.split(".")[0]
        allowed = module == "" or root in own if level == 1 else root in STANDARD_LIBRARY | {"cryptography"}
        assert level <= 1
        assert allowed, f"{path.name} imports {module}"


def test_nothing_random_is_fetched():
    for path in FILES:
        fetched = {module for level, module in imports(path) if level == 0} & {"os", "secrets", "random"}
        assert not fetched, path.name
        assert "random_serial_number" not in path.read_text()


def modules_after(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=FOLDER.parent.parent
    )
    return set(done.stdout.split())


def test_the_package_itself_loads_nothing():
    loaded = modules_after("import azext_mhsmregion.crypto")
    assert "azext_mhsmregion.crypto" in loaded
    assert not any(name.split(".")[0] == "cryptography" for name in loaded)


def test_signing_loads_no_part_of_the_security_domain():
    loaded = modules_after("import azext_mhsmregion.crypto.signing, azext_mhsmregion.crypto.wrap")
    ours = {name.rsplit(".", 1)[1] for name in loaded if name.startswith("azext_mhsmregion.crypto.")}
    assert ours == {"signing", "wrap", "keys", "b64url", "errors", "randomness"}
