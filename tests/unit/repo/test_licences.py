"""Every installed dependency has a licence that lets people run, change and pass on Ostiary."""

import re
from importlib.metadata import Distribution, distributions

ALLOWED = {
    "0bsd",
    "apache",
    "bsd",
    "cc0",
    "isc",
    "mit",
    "mpl",  # file by file: certifi, pathspec, hypothesis are used unchanged
    "psf",
    "python",
    "unlicense",
    "zlib",
}
# Their metadata says nothing; the file LICENSE in them does.
READ = {"cedarpy": "Apache-2.0", "sigstore-models": "MIT", "axe-playwright-python": "MIT"}
NOISE = {"license", "software", "license-expression", "dfsg approved", "osi approved"}


def names(distribution: Distribution) -> list[str]:
    said = distribution.metadata
    if distribution.name in READ:
        return [READ[distribution.name]]
    if "License-Expression" in said:
        return re.split(r" AND | OR |[()]", said["License-Expression"])
    classifiers = [line.split(" :: ")[-1] for line in said.get_all("Classifier", []) if line.startswith("License ::")]
    if not classifiers and "License" in said:
        return [said["License"].splitlines()[0]]
    return classifiers or ["unknown"]


def is_allowed(name: str) -> bool:
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    return bool(words & ALLOWED) and "gpl" not in name.lower()


def test_every_dependency_is_free_to_use() -> None:
    refused = {
        distribution.name: wrong
        for distribution in distributions()
        if (
            wrong := [
                name
                for name in names(distribution)
                if name.strip() and name.lower() not in NOISE and not is_allowed(name)
            ]
        )
    }
    assert refused == {}


def test_a_copyleft_licence_is_refused() -> None:
    assert not is_allowed("GNU Affero General Public License v3 (AGPLv3)")
    assert not is_allowed("unknown")
    assert is_allowed("3-Clause BSD License")
