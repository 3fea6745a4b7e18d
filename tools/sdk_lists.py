"""The operations that the official SDKs list, read from their own code as ``make clients-env``
installs it: the control plane's in four languages, the data plane's generated clients in Python.

A reader that no longer understands its SDK raises SystemExit: a list with holes would prove nothing.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

CHECKOUT = Path(__file__).resolve().parent.parent
INSTALLED = CHECKOUT / ".clients"
PINNED = CHECKOUT / "tests" / "clients"
CONTROL, DATA = "control", "data"
VAULTS = ("vaults", "secrets", "keys", "privateendpointconnections", "privatelinkresources")
"""The management packages' groups of vaults, by their letters. All others are Managed HSM's."""

JAVA_JAR = "azure-resourcemanager-keyvault-*.jar"
GO_MODULE = "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault"
SECONDS = 120


@dataclass(frozen=True)
class Operation:
    """One method of an SDK. ``method`` and ``path`` are what it sends; names are in snake_case."""

    group: str
    operation: str
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.group}.{self.operation}"

    @property
    def request(self) -> Tuple[str, str]:
        """What makes two SDKs' methods the same operation: parameters' names and case do not count."""
        return self.method, re.sub(r"{[^}]*}", "{}", self.path).lower()


@dataclass(frozen=True)
class Listing:
    """The operations of one release of one SDK; ``read`` is the day on which they were read."""

    plane: str
    language: str
    package: str
    version: str
    api_version: str
    read: str
    operations: Tuple[Operation, ...]


@dataclass(frozen=True)
class Sdk:
    """Where a list comes from. ``locate`` finds the installed package, None where it is not installed,
    ``read`` its (version, API version, operations); ``lock`` is the file and pattern of the version that
    the client programs use."""

    plane: str
    language: str
    package: str
    locate: Callable[[], Optional[Path]]
    read: Callable[[Path], Tuple[str, str, List[Operation]]]
    lock: Tuple[str, str]

    def listing(self) -> Optional[Listing]:
        """What the installed package's own code says; None where it is not installed."""
        place = self.locate()
        if place is None:
            return None
        version, api_version, operations = self.read(place)
        today = datetime.now(timezone.utc).date().isoformat()
        return Listing(
            self.plane, self.language, self.package, version, api_version, today, tuple(operations)
        )

    def pinned(self) -> str:
        """The version that the client programs' lock file names."""
        file, pattern = self.lock
        return match(pattern, (PINNED / file).read_text(encoding="utf-8"))


def match(pattern: str, text: str) -> str:
    """The first group of the first match."""
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"the SDK no longer holds {pattern}")
    return found[1]


def snake(name: str) -> str:
    """``MHSMRegions``, ``mhsmRegions`` and ``MhsmRegions`` alike: ``mhsm_regions``."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name))
    return words.lower()


def is_of_vaults(group: str) -> bool:
    return group.replace("_", "").lower() in VAULTS


def _same(package: str, methods: Sequence[str], builders: Sequence[str]) -> None:
    """Every public method has a request builder, and every builder a method."""
    if sorted(methods) != sorted(builders):
        odd = sorted(set(methods) ^ set(builders))
        raise SystemExit(f"{package}: methods and request builders differ: {odd or 'one is there twice'}")


# -- Python ------------------------------------------------------------------------------


def python_packages() -> Optional[Path]:
    """Where ``make clients-env`` installed Python's packages."""
    return next((INSTALLED / "python").glob("lib/python*/site-packages"), None)


def python_package(folder: str) -> Callable[[], Optional[Path]]:
    def locate() -> Optional[Path]:
        packages = python_packages()
        found = packages / folder if packages is not None else None
        return found if found is not None and found.exists() else None

    return locate


def read_python_management(folder: Path) -> Tuple[str, str, List[Operation]]:
    client = (folder / "_client.py").read_text(encoding="utf-8")
    classes = re.findall(r"self\.(\w+) = (\w*Operations)\(", client)
    groups = {group: (group, kind) for group, kind in classes if not is_of_vaults(group)}
    code = (folder / "operations" / "_operations.py").read_text(encoding="utf-8")
    return (*_python_versions(folder, folder), python_operations(code, groups))


def read_python_data(
    generated: str, operations: str, groups: Mapping[str, Tuple[str, str]]
) -> Callable[[Path], Tuple[str, str, List[Operation]]]:
    def read(folder: Path) -> Tuple[str, str, List[Operation]]:
        inner = folder / generated
        code = (inner / operations / "_operations.py").read_text(encoding="utf-8")
        return (*_python_versions(folder, inner), python_operations(code, groups))

    return read


def _python_versions(folder: Path, generated: Path) -> Tuple[str, str]:
    version = (folder / "_version.py").read_text(encoding="utf-8")
    configuration = (generated / "_configuration.py").read_text(encoding="utf-8")
    return (
        match(r'VERSION = "([^"]+)"', version),
        match(r'kwargs\.pop\("api_version", "([^"]+)"\)', configuration),
    )


def python_operations(code: str, groups: Mapping[str, Tuple[str, str]]) -> List[Operation]:
    """``groups``: by our name of a group the prefix of its request builders and its class."""
    tree = ast.parse(code)
    builders = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    operations: List[Operation] = []
    for group, (prefix, kind) in groups.items():
        methods = list(_python_methods(classes[kind]))
        start, end = f"build_{prefix}_", "_request"
        built = [name[len(start) : -len(end)] for name in builders if name.startswith(start)]
        _same(group, methods, built)
        operations += [
            Operation(group, name, *_python_request(builders[f"{start}{name}{end}"])) for name in methods
        ]
    return operations


def _python_methods(node: ast.ClassDef) -> Iterator[str]:
    """The operations of a class, once each, without ``begin_``. Private ones are made public by a
    subclass (``_begin_upload``), but for the first request of a long operation."""
    names = (item.name for item in node.body if isinstance(item, ast.FunctionDef))
    for name in dict.fromkeys(names):
        if not name.startswith("__") and not name.endswith("_initial") and not _is_hidden(name):
            yield re.sub(r"^_?(begin_)?", "", name)


def _is_hidden(name: str) -> bool:
    return name.startswith("_") and not name.startswith("_begin_")


def _python_request(builder: ast.FunctionDef) -> Tuple[str, str]:
    """Method and URL template of a request builder."""
    text = ast.unparse(builder)
    return match(r"HttpRequest\(method='(\w+)'", text), match(r"_url = '(/[^']+)'", text)


# -- Node --------------------------------------------------------------------------------


def node_package() -> Optional[Path]:
    folder = INSTALLED / "node" / "node_modules" / "@azure" / "arm-keyvault"
    return folder if folder.exists() else None


def read_node(folder: Path) -> Tuple[str, str, List[Operation]]:
    version: str = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    operations: List[Operation] = []
    api_version = ""
    for file in sorted((folder / "dist" / "esm" / "api").glob("*/operations.js")):
        if not is_of_vaults(file.parent.name):
            code = file.read_text(encoding="utf-8")
            operations += node_operations(file.parent.name, code)
            api_version = match(r'context\.apiVersion \?\? "([^"]+)"', code)
    return version, api_version, operations


NODE_SEND = re.compile(
    r"^function _(\$?\w+)Send\(.*?expandUrlTemplate\(\s*\"([^\"{?]*(?:{[^?][^\"{?]*)*).*?"
    r"context\.path\(path\)\.(\w+)\(",
    re.DOTALL | re.MULTILINE,
)


def node_operations(group: str, code: str) -> List[Operation]:
    """Of one group's file: it exports a function for each operation, which sends by another."""
    exported = [name.strip() for name in match(r"(?s)export {([^}]*)}", code).split(",")]
    public = [name for name in exported if name and not name.startswith("_")]
    found = [
        Operation(snake(group), _node_name(name), method.upper(), path)
        for name, path, method in NODE_SEND.findall(code)
    ]
    _same(group, [_node_name(name) for name in public], [one.operation for one in found])
    return found


def _node_name(name: str) -> str:
    """``$delete as delete`` and ``$delete``: a reserved word."""
    return snake(name.split(" as ")[0].lstrip("$"))


# -- Go ----------------------------------------------------------------------------------


def go_package() -> Optional[Path]:
    """In the module cache, if the client program was built from there; nothing is downloaded."""
    if not (INSTALLED / "go").exists():
        return None
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod"}
    command = ["go", "list", "-m", "-f", "{{.Dir}}", GO_MODULE]
    try:
        done = subprocess.run(
            command, cwd=PINNED / "go", env=environment, capture_output=True, text=True, timeout=SECONDS
        )
    except OSError:
        return None
    folder = done.stdout.strip()
    return Path(folder) if done.returncode == 0 and folder else None


def read_go(folder: Path) -> Tuple[str, str, List[Operation]]:
    version = match(r'moduleVersion\s*=\s*"v([^"]+)"', (folder / "constants.go").read_text(encoding="utf-8"))
    operations: List[Operation] = []
    api_version = ""
    for file in sorted(folder.glob("*_client.go")):
        code = file.read_text(encoding="utf-8")
        group = match(r"(?m)^type (\w*?)Client struct", code)
        if not is_of_vaults(group):
            operations += go_operations(group, code)
            api_version = match(r'Set\("api-version", "([^"]+)"\)', code)
    return version, api_version, operations


GO_BUILD = re.compile(
    r"^func \(client \*\w+\) (\w+)CreateRequest\(.*?urlPath := \"([^\"]+)\".*?http\.Method(\w+),",
    re.DOTALL | re.MULTILINE,
)
GO_PUBLIC = re.compile(r"^func \(client \*\w+\) (?:New(\w+)Pager|Begin(\w+)|([A-Z]\w*))\(", re.MULTILINE)


def go_operations(group: str, code: str) -> List[Operation]:
    """Of one client's file."""
    public = [snake(next(filter(None, names))) for names in GO_PUBLIC.findall(code)]
    found = [
        Operation(snake(group), snake(name), method.upper(), path)
        for name, path, method in GO_BUILD.findall(code)
    ]
    _same(group, public, [one.operation for one in found])
    return found


# -- Java --------------------------------------------------------------------------------


def java_package() -> Optional[Path]:
    return next((INSTALLED / "java" / "dependency").glob(JAVA_JAR), None)


def read_java(jar: Path) -> Tuple[str, str, List[Operation]]:
    with zipfile.ZipFile(jar) as archive:
        version = match(r"version=(\S+)", archive.read("azure-resourcemanager-keyvault.properties").decode())
        metadata = json.loads(archive.read("META-INF/azure-resourcemanager-keyvault_metadata.json"))
        services = [
            name[: -len(".class")].replace("/", ".")
            for name in sorted(archive.namelist())
            if re.search(r"ClientImpl\$\w+Service\.class$", name)
        ]
    return version, metadata["apiVersion"], java_operations(jar, services)


def java_operations(jar: Path, services: Sequence[str]) -> List[Operation]:
    """Java itself reads the annotations of the interfaces that its proxies implement."""
    command = ["java", "-classpath", str(jar.parent / "*"), str(Path(__file__).parent / "Operations.java")]
    done = subprocess.run([*command, *services], capture_output=True, text=True, timeout=SECONDS)
    if done.returncode != 0:
        raise SystemExit(f"java cannot read {jar}: {done.stderr[-2000:]}")
    found: Dict[Operation, None] = {}
    for line in done.stdout.splitlines():
        service, name, method, path = line.split("\t")
        group = service[: -len("Service")]
        if not is_of_vaults(group) and path != "{nextLink}":
            # A method has a twin that blocks; a list has one more for the pages that follow.
            found[Operation(snake(group), snake(re.sub("Sync$", "", name)), method, path)] = None
    return sorted(found, key=lambda operation: operation.name)  # reflection knows no order


# -- all of them -------------------------------------------------------------------------

REQUIREMENTS = "python/requirements.txt"
MIXIN = "_KeyVaultClientOperationsMixin"


def _python_lock(package: str) -> Tuple[str, str]:
    return REQUIREMENTS, rf"(?m)^{package}==(\S+)"


SDKS = (
    Sdk(
        CONTROL, "Python", "azure-mgmt-keyvault", python_package("azure/mgmt/keyvault"),
        read_python_management, _python_lock("azure-mgmt-keyvault"),
    ),
    Sdk(
        CONTROL, "Node", "@azure/arm-keyvault", node_package, read_node,
        ("node/package.json", r'"@azure/arm-keyvault": "([^"]+)"'),
    ),
    Sdk(CONTROL, "Go", "armkeyvault", go_package, read_go, ("go/go.mod", r"armkeyvault v(\S+)")),
    Sdk(
        CONTROL, "Java", "azure-resourcemanager-keyvault", java_package, read_java,
        ("java/pom.xml", r"<artifactId>azure-resourcemanager-keyvault</artifactId>\s*<version>([^<]+)<"),
    ),
    Sdk(
        DATA, "Python", "azure-keyvault-keys", python_package("azure/keyvault/keys"),
        read_python_data("_generated", "_operations", {"keys": ("key_vault", MIXIN)}),
        _python_lock("azure-keyvault-keys"),
    ),
    Sdk(
        DATA, "Python", "azure-keyvault-administration", python_package("azure/keyvault/administration"),
        read_python_data(
            "_generated", "operations",
            {
                "role_definitions": ("role_definitions", "RoleDefinitionsOperations"),
                "role_assignments": ("role_assignments", "RoleAssignmentsOperations"),
                "administration": ("key_vault", MIXIN),
            },
        ),
        _python_lock("azure-keyvault-administration"),
    ),
    Sdk(
        DATA, "Python", "azure-keyvault-securitydomain", python_package("azure/keyvault/securitydomain"),
        read_python_data(
            ".", "_operations",
            {"security_domain": ("security_domain", "_SecurityDomainClientOperationsMixin")},
        ),
        _python_lock("azure-keyvault-securitydomain"),
    ),
)  # fmt: skip
"""Every list. Of several names for one operation the first SDK's counts."""
