"""The policy in force, with its lines; and drafts, which are tried out here and never put in force from here."""

from collections.abc import Sequence
from typing import Any, Final

from ostiary.errors import OstiaryError, RefusedError
from ostiary.server.admin.context import Fault
from ostiary.server.admin.impact import WishBody, start_impact
from ostiary.server.admin.policy import show_bundle
from ostiary.server.admin.policy_source import (
    DraftFile,
    FileShown,
    list_files,
    list_rules,
    list_versions,
    run_check,
    show_check,
    show_file,
    try_draft,
)
from ostiary.server.console.refusing import sentence
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.drafts.reading import UNKNOWN
from ostiary.server.wire import Reply

HERE: Final = "/policies"
DRAFT: Final = "/policies/draft"
_DAYS: Final = 30.0


def show(visit: Visit) -> Reply:
    """Show what is in force."""
    check = show_check(visit.tenant, visit.desk)
    return visit.page(
        "policies.html",
        HERE,
        bundle=show_bundle(visit.tenant, visit.desk),
        folder=list_files(visit.tenant, visit.desk),
        rules=list_rules(visit.tenant, visit.desk),
        versions=[{**one.model_dump(), "at": stamp(one.at_ns)} for one in list_versions(visit.tenant, visit.desk)],
        check=check,
        checked=stamp(check.at_ns) if check else "",
    )


def show_source(visit: Visit) -> Reply:
    """Show one file, line by line."""
    folder = list_files(visit.tenant, visit.desk)
    path = _path(visit.told["file"], folder.files)
    source = show_file(visit.tenant, visit.desk, path)
    rules = [one for one in list_rules(visit.tenant, visit.desk) if one.file == path]
    check = show_check(visit.tenant, visit.desk)
    return visit.page(
        "policy_file.html",
        HERE,
        source=source,
        lines=[line.expandtabs(4) for line in source.text.split("\n")],
        rules=rules,
        coverage=check.coverage.get(path) if check else None,
    )


def check_now(visit: Visit) -> Reply:
    """Run lint and tests of what lies there."""
    made = run_check(visit.tenant, visit.who, visit.desk)
    words = f"{made.passed} tests pass" if made.ok else f"{len(made.failed)} tests fail, {len(made.findings)} findings"
    return visit.done(HERE, words)


def show_draft(visit: Visit) -> Reply:
    """Show the playground, with the text of a file to begin from."""
    folder = list_files(visit.tenant, visit.desk)
    wanted = visit.query.get("file", "")
    text = show_file(visit.tenant, visit.desk, _path(wanted, folder.files)).text if wanted else ""
    return _playground(visit, folder.files, wanted, text)


def try_out(visit: Visit) -> Reply:
    """Lint and test a draft, and show what was found; what was typed stays, whatever comes of it."""
    file, text = visit.form.get("file", "").strip(), visit.form.get("text", "").replace("\r\n", "\n")
    files = list_files(visit.tenant, visit.desk).files
    try:
        found = try_draft(visit.tenant, DraftFile(file=file, text=text), visit.who, visit.desk)
    except OstiaryError as no:
        return _playground(visit, files, file, text, wrong=Fault(code=no.code, message=sentence(no.message)))
    return _playground(visit, files, file, text, found=found)


def study(visit: Visit) -> Reply:
    """Start a study of what the draft would have done."""
    text = visit.form.get("text", "").replace("\r\n", "\n")
    told = {"candidate": "changed-file", "file": visit.form.get("file", "").strip(), "text": text}
    body = WishBody.model_validate({**told, "days": visit.form.get("days", "") or _DAYS})
    run = start_impact(visit.tenant, body, visit.who, visit.desk)
    return visit.done(f"/impact/{run.run}", "The study has begun")


def _playground(
    visit: Visit, files: Sequence[FileShown], file: str, text: str, found: Any = None, wrong: Fault | None = None
) -> Reply:
    return visit.page(
        "policy_draft.html",
        HERE,
        200 if wrong is None else 400,
        files=[one.path for one in files if one.kind != "other"],
        file=file,
        text=text,
        found=found,
        wrong=wrong,
        days=_DAYS,
    )


def _path(told: str, files: Sequence[FileShown]) -> str:
    """Return the path of a file as an address names it: with colons for slashes, which proxies leave alone.

    Raises:
        RefusedError: ``policy_file_unknown``.
    """
    known = {one.path.replace("/", ":"): one.path for one in files} | {one.path: one.path for one in files}
    if told not in known:
        raise RefusedError(UNKNOWN, "there is no such file in the bundle")
    return known[told]


ROUTES = (
    Route("GET", HERE, "policies", show),
    Route("POST", "/policies/check", "whatif", check_now, "propose"),
    Route("GET", DRAFT, "whatif", show_draft),
    Route("POST", DRAFT, "whatif", try_out, "propose"),
    Route("POST", "/policies/draft/impact", "impact", study, "propose"),
    Route("GET", "/policies/{file}", "policies", show_source),
)
