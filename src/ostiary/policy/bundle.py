"""A policy bundle: Rego modules, data and a manifest, known by one digest.

- A folder or an OPA archive; ``a/b/data.yaml`` is ``data.a.b``. The digest is SHA-256 over the sorted listing
  ``<sha256 of file>  <path>``, the same for a folder and for an archive of it.
- ``*_test.rego`` and ``data.examples`` serve tests: they are in the digest, but never in the live engine.
- The manifest's ``roots`` are kept: nothing outside them may be in the bundle.
- A signature is checked through `BundleVerifier` before anything is parsed.

>>> bundle = Bundle.of({"a.rego": "package a", "a_test.rego": "package a_test", "t/data.yaml": "limit: 3"})
>>> sorted(bundle.live_sources), bundle.live_data
(['a.rego'], {'t': {'limit': 3}})
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.policy.bundle_files import MANIFEST, SIGNATURES, read_files
from ostiary.policy.limits import BundleLimits
from ostiary.policy.plain_yaml import parse_yaml
from ostiary.vocabulary.unreadable import UNREADABLE

EXAMPLES: Final = "examples"
_TEST_SUFFIX: Final = "_test.rego"


class Manifest(msgspec.Struct, frozen=True):
    """OPA's ``.manifest``; members that Ostiary does not use are ignored."""

    revision: str = ""
    roots: list[str] | None = None
    rego_version: int = 1
    wasm: list[Any] = []


class BundleVerifier(Protocol):
    """Says whether a bundle is signed by somebody trusted; wiring brings one where signatures are demanded."""

    def verify(self, digest: str, listing: bytes, signatures: bytes | None) -> None:
        """Check ``signatures`` (the file ``.signatures.json``) over ``listing``.

        Raises:
            VerificationError: the signature is missing or wrong.
        """
        ...


class Bundle:
    """The files of one bundle, parsed. Build it with `load` or `of`."""

    def __init__(self, files: Mapping[str, bytes], limits: BundleLimits | None = None) -> None:
        """Parse data and manifest; Rego is compiled by the engine.

        Raises:
            FaultyInputError: ``bundle_…``, ``yaml_…``.
        """
        self._limits = limits or BundleLimits()
        self.signatures = files.get(SIGNATURES)
        self.files = {path: files[path] for path in sorted(files) if path != SIGNATURES}
        self.manifest = _manifest(self.files.get(MANIFEST, b"{}"))
        self.all_sources = {path: _utf8(path, text) for path, text in self.files.items() if path.endswith(".rego")}
        self.all_data = self._merge_data()
        self._check_roots()

    @classmethod
    def load(cls, source: Path, limits: BundleLimits | None = None, verifier: BundleVerifier | None = None) -> "Bundle":
        """Read the bundle in the folder or archive ``source``; with a verifier, its signature first.

        Raises:
            FaultyInputError: ``bundle_…``, ``yaml_…``.
            UnavailableError: ``bundle_unreadable``.
            VerificationError: the verifier refused.
        """
        limits = limits or BundleLimits()
        files = read_files(source, limits)
        if verifier is not None:
            listed = listing({path: text for path, text in files.items() if path != SIGNATURES})
            verifier.verify(_digest(listed), listed, files.get(SIGNATURES))
        return cls(files, limits)

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Bundle":
        """Return a bundle of literal texts."""
        return cls({path: text.encode() for path, text in texts.items()})

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over the canonical listing."""
        return _digest(listing(self.files))

    @property
    def revision(self) -> str:
        """The manifest's revision, empty when it has none."""
        return self.manifest.revision

    @cached_property
    def live_sources(self) -> dict[str, str]:
        """Path → Rego text of what decides: everything but tests."""
        return {path: text for path, text in self.all_sources.items() if not path.endswith(_TEST_SUFFIX)}

    @cached_property
    def live_data(self) -> dict[str, Any]:
        """The data document of the live engine: everything but the examples."""
        return {name: value for name, value in self.all_data.items() if name != EXAMPLES}

    def _merge_data(self) -> dict[str, Any]:
        root: dict[str, Any] = {}
        for path, text in self.files.items():
            *folders, name = path.split("/")
            if name in {"data.json", "data.yaml"}:
                value = _parse_data(path, text)
                for folder in reversed(folders):
                    value = {folder: value}
                _merge(root, value, path)
        _check_depth(root, self._limits.max_data_depth)
        return root

    def _check_roots(self) -> None:
        roots = self.manifest.roots
        if roots is None or "" in roots:
            return
        for path in _leaves(self.all_data, max(root.count("/") + 1 for root in roots) if roots else 1):
            if not any(path == root or path.startswith(root + "/") for root in roots):
                raise FaultyInputError("bundle_outside_roots", f"data `{path}` lies outside the manifest's roots")


def listing(files: Mapping[str, bytes]) -> bytes:
    """Return the canonical listing that digest and signature are over."""
    lines = (f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
    return "".join(lines).encode()


def _digest(listed: bytes) -> str:
    return "sha256:" + hashlib.sha256(listed).hexdigest()


def _manifest(text: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except UNREADABLE as fault:
        raise FaultyInputError("bundle_manifest_invalid", f"the manifest is malformed: {fault}") from fault
    if manifest.rego_version != 1 or manifest.wasm:
        raise FaultyInputError("bundle_manifest_invalid", "only Rego version 1 without WebAssembly is taken")
    return manifest


def _utf8(path: str, text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as fault:
        raise FaultyInputError("bundle_malformed", f"`{path}` is no UTF-8 text") from fault


def _parse_data(path: str, text: bytes) -> dict[str, Any]:
    try:
        value = _parse_json(text) if path.endswith(".json") else parse_yaml(_utf8(path, text))
    except FaultyInputError as fault:
        raise FaultyInputError(fault.code, f"`{path}`: {fault.message}", fault.pointer) from fault
    if not isinstance(value, dict):
        raise FaultyInputError("bundle_data_invalid", f"`{path}` is no object")
    return value


def _parse_json(text: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise FaultyInputError("bundle_data_invalid", "an object holds one key twice")
        return found

    def refuse(word: str) -> Any:
        raise FaultyInputError("bundle_data_invalid", f"`{word}` is no JSON")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as fault:
        raise FaultyInputError("bundle_data_invalid", "malformed JSON") from fault


def _merge(into: dict[str, Any], value: dict[str, Any], path: str) -> None:
    for key, item in value.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(item, dict):
            _merge(known, item, path)
        elif key in into:
            raise FaultyInputError("bundle_data_invalid", f"`{path}` gives `{key[:80]}` a second time")
        else:
            into[key] = item


def _check_depth(value: object, left: int) -> None:
    if left < 0:
        raise FaultyInputError("bundle_data_invalid", "the data is nested too deeply")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(item, left - 1)


def _leaves(value: dict[str, Any], depth: int, above: str = "") -> list[str]:
    found: list[str] = []
    for key, item in value.items():
        path = f"{above}/{key}" if above else key
        found += _leaves(item, depth - 1, path) if isinstance(item, dict) and item and depth > 1 else [path]
    return found
