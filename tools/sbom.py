"""What a release installs, from the locks: a CycloneDX 1.6 bill of materials, and the page of licences.

    python tools/sbom.py OUT.json        the bill of materials
    python tools/sbom.py --licences      docs/reference/licences.md

The same locks give the same bytes: the serial number is made of them, the time is that of ``SOURCE_DATE_EPOCH``.
"""

import json
import os
import re
import sys
import tomllib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

REPO: Final = Path(__file__).resolve().parent.parent
PAGE: Final = REPO / "docs" / "reference" / "licences.md"
SPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
LOCKS: Final = ("run.txt", "opa.txt")
_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[\w,-]+\])?==([^\s;\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SPDX: Final = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
_WORDS: Final = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "mit license": "MIT",
    "the mit license": "MIT",
}


@dataclass
class Pinned:
    """One package of a lock; ``via`` names those that want it, ``ostiary`` among them."""

    name: str
    version: str
    hashes: list[str] = field(default_factory=list)
    via: list[str] = field(default_factory=list)


def locked(names: tuple[str, ...] = LOCKS) -> list[Pinned]:
    """Return what is pinned, by name."""
    found: dict[str, Pinned] = {}
    for name in names:
        current: Pinned | None = None
        for line in (REPO / "requirements" / name).read_text(encoding="utf-8").splitlines():
            if pin := _PIN.match(line):
                current = found.setdefault(pin[1].lower(), Pinned(pin[1].lower(), pin[2]))
            elif current is not None:
                current.hashes += _HASH.findall(line)
                if via := re.match(r"\s+#\s+(?:via\s+)?([A-Za-z0-9][\w.-]*)", line):
                    current.via.append(via[1].lower())
    return sorted(found.values(), key=lambda one: one.name)


def licence_of(name: str) -> str:
    """Return the licence that an installed package declares, as SPDX where it can be told; empty when it says none."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    if expressions := told.get_all("License-Expression"):
        return str(expressions[0])
    classified = sorted({_SPDX[one] for one in told.get_all("Classifier") or () if one in _SPDX})
    if classified:
        return " OR ".join(classified) if len(classified) > 1 else classified[0]
    said = str((told.get_all("License") or [""])[0]).strip()
    return _WORDS.get(said.lower(), said.partition("\n")[0][:40])


def bill() -> Bom:
    """Return the bill of materials."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    licences = LicenseFactory()
    root = Component(
        name="ostiary",
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref="ostiary",
        licenses=[licences.make_from_string(project["license"])],
    )
    bom = Bom()
    bom.metadata.component = root
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    bom.metadata.timestamp = datetime.fromtimestamp(moment, UTC)
    locks = "".join((REPO / "requirements" / name).read_text(encoding="utf-8") for name in LOCKS)
    bom.serial_number = uuid.uuid5(SPACE, locks + project["version"])
    parts = {one.name: one for one in locked()}
    components = {}
    for name, one in parts.items():
        told = licence_of(name)
        components[name] = Component(
            name=name,
            version=one.version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}=={one.version}",
            purl=PackageURL("pypi", name=name, version=one.version),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in sorted(set(one.hashes))],
            licenses=[licences.make_from_string(told)] if told else [],
        )
        bom.components.add(components[name])
    bom.register_dependency(root, [components[name] for name, one in parts.items() if not set(one.via) & parts.keys()])
    for name, component in components.items():
        bom.register_dependency(component, [components[other] for other, one in parts.items() if name in one.via])
    return bom


def text() -> str:
    """Return it as JSON with sorted keys."""
    made = make_outputter(bill(), OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    return json.dumps(json.loads(made), indent=1, sort_keys=True) + "\n"


def licences() -> str:
    """Return the page of licences."""
    rows = [(one.name, one.version, licence_of(one.name)) for one in locked()]
    locks = " and ".join(f"`requirements/{name}`" for name in LOCKS)
    head = f"""# Licences of dependencies

Ostiary is Apache-2.0. This is what {locks} pin, {len(rows)} packages with every extra,
as each declares its licence. `python tools/sbom.py --licences` writes this page, and a test keeps it fresh.
A release carries the same as a bill of materials ([verify a release](../how-to/verify-a-release.md)).
A package without a licence here is for another platform and not installed.
Scripts and styles of the console are vendored and named in `tools/vendor.json`.

| package | version | licence |
|---|---|---|
"""
    return head + "".join(f"| {name} | {version} | {licence or '—'} |\n" for name, version, licence in rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["--licences"]:
        PAGE.write_text(licences(), encoding="utf-8")
    else:
        Path(sys.argv[1]).write_text(text(), encoding="utf-8")
