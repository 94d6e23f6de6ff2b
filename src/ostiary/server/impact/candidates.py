"""The candidates that lie at the server, by name: what an administrator may try out without sending files.

- ``shadow-bundle``, ``shadow-model``: what was started to be judged beside what is in force, the very digest.
- ``folder-bundle``: the tenant's own folder where it differs from what is in force: edited, not yet reloaded.
- ``changed-file``: the bundle in force with one file replaced, or added; the text comes with the question.

A name is never a path: nothing else on the disk can be asked about.
"""

from pathlib import Path
from typing import Final, Literal

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.policy.bundle import Bundle
from ostiary.policy.limits import BundleLimits, LintLimits
from ostiary.server.wiring import House, trusted_model_keys
from ostiary.vocabulary.scoring import Scorer

SHADOW_BUNDLE: Final = "shadow-bundle"
SHADOW_MODEL: Final = "shadow-model"
FOLDER: Final = "folder-bundle"
CHANGED: Final = "changed-file"
Name = Literal["shadow-bundle", "shadow-model", "folder-bundle", "changed-file"]
UNKNOWN: Final = "candidate_unknown"


class Candidate(msgspec.Struct, frozen=True):
    """One that can be tried out: its name, whether it is a ``bundle`` or a ``model``, its digest."""

    name: str
    what: str
    digest: str


def candidates_of(house: House, tenant: str) -> list[Candidate]:
    """Return what lies there to be tried out; what cannot be read is left out."""
    found = [Candidate(f"shadow-{one.what}", one.what, one.digest) for one in house.shadow.candidates.all(tenant)]
    try:
        on_disk = Bundle.load(house.policies.source(tenant)).digest
        if on_disk != house.policies.load(tenant).digest:
            found.append(Candidate(FOLDER, "bundle", on_disk))
    except OstiaryError:  # a folder that cannot be read is no candidate; the page of the policy says what is wrong
        return found
    return found


def bundle_of(house: House, tenant: str, name: str, file: str = "", text: str = "") -> Bundle:
    """Return the candidate bundle of a name.

    Raises:
        RefusedError: ``candidate_unknown``.
        FaultyInputError: ``bundle_…``, ``source_too_long``.
        VerificationError: ``candidate_changed``.
    """
    if name == CHANGED:
        return changed(current_bundle(house, tenant), file, text)
    known = {one.name for one in candidates_of(house, tenant) if one.what == "bundle"}
    if name not in known:
        raise RefusedError(UNKNOWN, "there is no such candidate")
    started = house.shadow.candidates.find(tenant, "bundle")
    if name == SHADOW_BUNDLE and started is not None:
        return house.shadow.candidates.bundle(tenant, started)
    return Bundle.load(house.policies.source(tenant))


def model_place(house: House, tenant: str) -> Path:
    """Return the folder of the candidate model that was started.

    Raises:
        RefusedError: ``candidate_unknown``; ``candidate_changed``: its files are not the ones that were started.
    """
    candidates = house.shadow.candidates
    started = candidates.find(tenant, "model")
    if started is None:
        raise RefusedError(UNKNOWN, "there is no such candidate")
    if candidates.on_disk(tenant, "model") != started.digest:
        raise RefusedError("candidate_changed", "the model is not the one that was started")
    return candidates.place(tenant, "model")


def model_of(house: House, tenant: str) -> Scorer:
    """Return the scorer of the candidate model that was started.

    Raises:
        RefusedError: as ``model_place``.
        VerificationError: no trusted key signed it.
    """
    from ostiary.risk.model import load_scorer  # noqa: PLC0415 - the risk extra may be absent
    from ostiary.signals import features  # noqa: PLC0415

    return load_scorer(
        model_place(house, tenant),
        trusted_model_keys(house.places, house.ring, tenant),
        feature_set=features.SET_DIGEST,
        names=features.NAMES,
        words=lambda name, _value, _event: name,
    )


def current_bundle(house: House, tenant: str) -> Bundle:
    """Return the bundle that a tenant's engine was made from, as far as it still lies there.

    Raises:
        RefusedError: ``bundle_not_in_force``: the folder was changed since; reload it, or name it as a candidate.
    """
    bundle = Bundle.load(house.policies.source(tenant))
    if bundle.digest != house.policies.load(tenant).digest:
        text = "the folder of the policy was changed since it was put in force: reload it, or try the folder itself"
        raise RefusedError("bundle_not_in_force", text)
    return bundle


def changed(bundle: Bundle, file: str, text: str) -> Bundle:
    """Return a bundle with one file replaced, or added.

    Raises:
        FaultyInputError: ``bundle_malformed``, ``bundle_too_large``, and what the bundle itself refuses.
    """
    parts, limits = file.split("/"), BundleLimits()
    good = file and len(file) <= limits.max_path_chars and file.isprintable() and not {"", ".", ".."} & set(parts)
    if not good or not file.endswith((".rego", "/data.yaml", "/data.json")):
        raise FaultyInputError("bundle_malformed", f"`{file[:80]}` is no file of a bundle: a/b.rego or a/data.yaml")
    data = text.replace("\r\n", "\n").encode(errors="replace")
    if len(data) > LintLimits().max_source_bytes or len({*bundle.files, file}) > limits.max_files:
        raise FaultyInputError("bundle_too_large", "the draft is too large")
    return Bundle({**bundle.files, file: data})
