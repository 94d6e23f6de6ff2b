"""``ostiary train render`` and ``ostiary train webhook``: manifests for a cluster, written out and applied by nobody.

`verbs/train.py` mounts both: ``mount(command)``.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from cyclopts import App, Parameter

from ostiary.errors import FaultyInputError
from ostiary.pipeline.kubernetes.plan import read_plan
from ostiary.pipeline.kubernetes.render import render as rendered
from ostiary.pipeline.kubernetes.render import to_json, to_yaml
from ostiary.pipeline.kubernetes.webhook import webhook as webhook_manifest
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir

MAX_PLAN: Final = 262_144
MAX_CERTIFICATES: Final = 1_048_576
Json = Annotated[bool, Parameter(name="--json", negative="", help="A JSON `List` instead of YAML documents.")]


def render(
    plan: Annotated[Path, Parameter(help="The plan, as JSON or YAML; `-` reads standard input.")],
    *,
    proxy_ip: Annotated[str, Parameter(help="A free address of the cluster's service range, for the egress proxy.")],
    json: Json = False,
    yaml: Annotated[bool, Parameter(name="--yaml", negative="", help="YAML documents, the default.")] = False,
) -> None:
    """Write the Job, its network policies and its egress proxy for Kubernetes."""
    if json and yaml:
        raise FaultyInputError("usage", "ask for `--json` or `--yaml`, not for both")
    manifests = rendered(read_plan(_document(_read(plan, MAX_PLAN))), proxy_ip)
    _write(manifests, json=json)


def webhook(
    *,
    ca: Annotated[Path, Parameter(help="Certificates (PEM) that the API server trusts for Ostiary's address.")],
    data: Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")] = None,
    tenant: Annotated[str, Parameter(help="Whose namespaces.")] = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Write the configuration that makes a cluster ask before a pod exists."""
    from ostiary.server.settings import load  # noqa: PLC0415 - most commands need no settings

    settings = load(Places(data_dir(data)).settings).settings
    rules = settings.admission.rules()
    _write([webhook_manifest(settings.server.public_url, tenant, rules, _read(ca, MAX_CERTIFICATES))], json=json)


def mount(command: App) -> None:
    """Put both into ``ostiary train``."""
    command.command(render)
    command.command(webhook)


def _write(manifests: list[dict[str, Any]], *, json: bool) -> None:
    sys.stdout.write(to_json(manifests).decode() + "\n" if json else to_yaml(manifests))


def _read(path: Path, most: int) -> bytes:
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{path}` cannot be read: {fault.strerror}") from None
    if len(data) > most:
        raise FaultyInputError("file_too_large", f"`{path}` has more than {most} bytes")
    return data


def _document(data: bytes) -> Any:
    """Read YAML, of which JSON is a part; anchors are refused, for a few of them can stand for gigabytes."""
    try:
        text = data.decode()
        aliases = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        document = None if aliases else yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise FaultyInputError("training_plan_invalid", "the plan is neither JSON nor YAML") from None
    if aliases:
        raise FaultyInputError("training_plan_invalid", "the plan has aliases: write every value out")
    return document
