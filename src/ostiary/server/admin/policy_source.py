"""Policy as text: files, rules and versions of the bundle in force; lint and tests; drafts that are only tried out."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.drafts.checking import Check, check_draft, check_in_force, last_check
from ostiary.server.drafts.reading import bundle_here, files_of, rules_of, text_of, versions_of

router = APIRouter(tags=["policy"])
_NOT_SO: dict[int | str, dict[str, Any]] = {409: {"description": "It is refused; the code says why."}}


class FileShown(Model):
    """One file of the bundle."""

    path: str
    kind: Literal["rego", "test", "data", "other"]
    size: int
    rules: int


class FilesShown(Model):
    """The files as they lie there; ``in_force`` is false where somebody changed them since."""

    digest: str
    in_force: bool
    files: list[FileShown]


class SourceShown(Model):
    """The text of one file, up to a quarter of a MiB."""

    path: str
    digest: str
    in_force: bool
    text: str


class RuleShown(Model):
    """One rule in force: its words and where it stands."""

    rule: str
    title: str
    effect: str
    explanation: str
    remediation: str
    file: str
    line: int


class VersionShown(Model):
    """One time that a bundle was put in force."""

    record: str
    at_ns: int
    by: str
    digest: str
    source: str
    proposal: str


class CheckShown(Model):
    """What lint and the bundle's own tests said."""

    digest: str
    at_ns: int
    by: str
    ok: bool
    findings: list[dict[str, Any]]
    passed: int
    failed: list[dict[str, Any]]
    coverage: dict[str, float]


class DraftFile(Model):
    """One file of the bundle as it might be."""

    file: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=262_144)]


def _check(made: Check) -> CheckShown:
    return CheckShown.model_validate(msgspec.to_builtins(made))


@router.get("/tenants/{tenant}/bundle/files")
def list_files(tenant: Tenant, desk: Desk) -> FilesShown:
    """List the files of the bundle."""
    bundle, in_force = bundle_here(desk.house, tenant)
    rules = desk.house.policies.load(tenant).bundle.rules
    shown = [FileShown.model_validate(msgspec.structs.asdict(one)) for one in files_of(bundle, rules)]
    return FilesShown(digest=bundle.digest, in_force=in_force, files=shown)


@router.get("/tenants/{tenant}/bundle/file")
def show_file(tenant: Tenant, desk: Desk, path: Annotated[str, Query(min_length=1, max_length=200)]) -> SourceShown:
    """Show the text of one file."""
    bundle, in_force = bundle_here(desk.house, tenant)
    return SourceShown(path=path, digest=bundle.digest, in_force=in_force, text=text_of(bundle, path))


@router.get("/tenants/{tenant}/bundle/rules")
def list_rules(tenant: Tenant, desk: Desk) -> list[RuleShown]:
    """List the rules in force."""
    return [RuleShown(**one) for one in rules_of(desk.house, tenant)]


@router.get("/tenants/{tenant}/bundle/versions")
def list_versions(tenant: Tenant, desk: Desk) -> list[VersionShown]:
    """List when which bundle was put in force, newest first."""
    return [VersionShown.model_validate(msgspec.structs.asdict(one)) for one in versions_of(desk.house, tenant)]


@router.get("/tenants/{tenant}/bundle/check")
def show_check(tenant: Tenant, desk: Desk) -> CheckShown | None:
    """Show the last report of the bundle's lint and tests, ``null`` when nobody has run them here."""
    bundle, _ = bundle_here(desk.house, tenant)
    found = last_check(desk.house, tenant, bundle.digest)
    return None if found is None else _check(found)


@router.post("/tenants/{tenant}/bundle/check", responses=_NOT_SO)
def run_check(tenant: Tenant, who: Who, desk: Desk) -> CheckShown:
    """Run lint and the bundle's own tests apart, and keep the report."""
    return _check(check_in_force(desk.house, who.key_id, tenant))


@router.post("/tenants/{tenant}/bundle/draft", responses=_NOT_SO)
def try_draft(tenant: Tenant, body: DraftFile, who: Who, desk: Desk) -> CheckShown:
    """Lint and test the bundle in force with one file changed; nothing is put in force, and nothing is kept."""
    return _check(check_draft(desk.house, who.key_id, tenant, body.file, body.text))
