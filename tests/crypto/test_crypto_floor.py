"""What the floor never does (DESIGN section 1, STYLE habit 5); its imports: tests/test_floors.py."""

import ast
import subprocess
import sys
from pathlib import Path

import azext_mhsmregion.crypto

FOLDER = Path(azext_mhsmregion.crypto.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))


def imports(path):
    """The module of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_nothing_random_is_fetched():
    for path in FILES:
        fetched = set(imports(path)) & {"os", "secrets", "random"}
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
