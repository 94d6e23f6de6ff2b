"""What a training run on Kubernetes is: one frozen plan, checked whole before anything is rendered from it.

- Images are named by digest only; a tag can be moved.
- ``egress`` are exact names and ports, TLS only; the pod itself reaches the egress proxy and nothing else.
- Names, quantities and paths have the forms that Kubernetes itself demands, so that no value can become a field.

>>> plan = read_plan({"name": "t", "namespace": "ml", "image": "r.example/t@sha256:" + "0" * 64,
...                   "proxy_image": "r.example/o@sha256:" + "1" * 64, "command": ["train"]})
>>> plan.egress_name
't-egress'
>>> read_plan({"name": "t", "namespace": "ml", "image": "r.example/t:latest"})
Traceback (most recent call last):
ostiary.errors.FaultyInputError: the plan lacks `command` or is not shaped like one
"""

import ipaddress
import re
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError

CODE: Final = "training_plan_invalid"
MAX_EGRESS: Final = 64
MAX_DATASETS: Final = 64
MAX_WORDS: Final = 256
MAX_WORD: Final = 4_096
_MAX_ADDRESSES: Final = 16
_EGRESS: Final = "-egress"
_NAME: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,48}[a-z0-9])?\Z")  # room for `-egress` within 63 (RFC 1123)
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_IMAGE: Final = re.compile(
    r"[a-z0-9](?:[a-z0-9.-]{0,253}[a-z0-9])?(?::[1-9][0-9]{0,4})?(?:/[a-z0-9]+(?:[._-]{1,2}[a-z0-9]+)*){1,8}"
    r"@sha256:[0-9a-f]{64}\Z"
)
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_DATASET: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?\Z")
_CPU: Final = re.compile(r"[1-9][0-9]{0,4}m?\Z")
_BYTES: Final = re.compile(r"[1-9][0-9]{0,5}(?:Mi|Gi)\Z")
_URL: Final = re.compile(r"https://[a-z0-9.-]{1,253}(?::[1-9][0-9]{0,4})?(?:/[A-Za-z0-9._~/-]{0,256})?\Z")
_CLASS: Final = _NAMESPACE
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,63}\Z")
_OURS: Final = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class EgressTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place that the proxy lets the run call.

    Attributes:
        host, port: exactly this name and port.
        addresses: where the name leads (IPv4); needed when that is private, and then nothing else is believed.
    """

    host: str
    port: int = 443
    addresses: tuple[str, ...] = ()


class PodLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the run may use.

    Attributes:
        cpu, memory, scratch: quantities of Kubernetes; request and limit are the same, so that nobody else pays.
        gpus: whole devices, ``gpu_resource`` says of what kind.
        deadline_s: when the Job is killed, done or not.
        keep_s: how long it is kept afterwards.
    """

    cpu: str = "2"
    memory: str = "4Gi"
    scratch: str = "10Gi"
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    deadline_s: int = 3_600
    keep_s: int = 600


class TrainingPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training run.

    Attributes:
        name, namespace: of the Job and all that belongs to it.
        image: of the training, ``registry/path@sha256:…``.
        command: run as it is, by no shell.
        proxy_image: of the egress proxy, an image of Ostiary.
        datasets: ids of registered datasets that the run reads through the doors.
        egress: what else it may call; policy grants it, whoever runs may only narrow it.
        environment: further variables; never a secret, for a manifest is no place for one.
        limits: what it may use.
        runtime_class: a sandboxed runtime, ``gvisor`` or ``kata``.
        service_account: whose projected token is exchanged; it has no rights in the cluster.
        control_plane: public address of Ostiary, ``https://…``; the run reaches it through the proxy as well.
        control_plane_addresses: where that name leads, when it is a private place.
        tenant: whose run it is.
        token_audience: the only audience of the projected token; empty takes the tenant's token endpoint.
        token_s: how long the projected token is good.
        max_upload_bytes: how much the run may send out in all.
        cilium: whether to render a CiliumNetworkPolicy for the proxy as well.
    """

    name: str
    namespace: str
    image: str
    command: tuple[str, ...]
    proxy_image: str
    datasets: tuple[str, ...] = ()
    egress: tuple[EgressTarget, ...] = ()
    environment: dict[str, str] = {}
    limits: PodLimits = PodLimits()
    runtime_class: str = "gvisor"
    service_account: str = "ostiary-training"
    control_plane: str = "https://ostiary.example"
    control_plane_addresses: tuple[str, ...] = ()
    tenant: str = "default"
    token_audience: str = ""
    token_s: int = 600
    max_upload_bytes: int = 16 * 1024 * 1024
    cilium: bool = False

    @property
    def egress_name(self) -> str:
        """Name of the proxy's Deployment, Service and ConfigMap."""
        return f"{self.name}{_EGRESS}"

    @property
    def audience(self) -> str:
        """The audience of the projected token."""
        return self.token_audience or f"{self.control_plane}/oauth/{self.tenant}"


def read_plan(value: Any) -> TrainingPlan:
    """Return the plan that a JSON or YAML document tells.

    Raises:
        FaultyInputError: ``training_plan_invalid``.
    """
    try:
        plan = msgspec.convert(value, TrainingPlan)
    except msgspec.ValidationError as fault:
        missing = re.search(r"missing required field `([a-z_]+)`", str(fault))
        what = missing[1] if missing else "a member"
        raise FaultyInputError(CODE, f"the plan lacks `{what}` or is not shaped like one") from None
    return check_plan(plan)


def check_plan(plan: TrainingPlan) -> TrainingPlan:
    """Return the plan if it can be meant.

    Raises:
        FaultyInputError: ``training_plan_invalid``.
    """
    _must(_NAME, "name", plan.name)
    if plan.name.endswith(_EGRESS):  # its policy would take the place of the one around another run's proxy
        raise FaultyInputError(CODE, f"`name` must not end with `{_EGRESS}`: so are the proxies of runs called")
    _must(_NAMESPACE, "namespace", plan.namespace)
    _must(_IMAGE, "image", plan.image, "an image by digest, `registry/path@sha256:…`")
    _must(_IMAGE, "proxy_image", plan.proxy_image, "an image by digest, `registry/path@sha256:…`")
    _must(_NAMESPACE, "service_account", plan.service_account)
    _must(_NAMESPACE, "tenant", plan.tenant)
    _must(_CLASS, "runtime_class", plan.runtime_class)
    _must(_URL, "control_plane", plan.control_plane, "an `https://` address")
    if plan.token_audience:
        _must(_URL, "token_audience", plan.token_audience, "an `https://` address")
    _check_words(plan)
    _check_lists(plan)
    _check_limits(plan.limits)
    _between("token_s", plan.token_s, 600, 3_600)  # 600 is the least that Kubernetes allows
    _between("max_upload_bytes", plan.max_upload_bytes, 0, 1 << 40)
    return plan


def _check_words(plan: TrainingPlan) -> None:
    if not 1 <= len(plan.command) <= MAX_WORDS or not all(map(_is_word, plan.command)) or not plan.command[0]:
        raise FaultyInputError(CODE, "`command` is empty, too long or has control characters")
    # $(NAME) in a command is replaced by the kubelet: what is written would not be what runs.
    if any("$(" in word for word in (*plan.command, *plan.environment.values())):
        raise FaultyInputError(CODE, "`$(` in a command or variable would be replaced by Kubernetes")
    for name, text in plan.environment.items():
        if not _VARIABLE.match(name) or name in _OURS or name.startswith("OSTIARY_") or not _is_word(text):
            raise FaultyInputError(CODE, f"the variable `{name[:64]}` is not allowed")
    if len(plan.environment) > MAX_WORDS:
        raise FaultyInputError(CODE, "there are too many variables")


def _is_word(text: str) -> bool:
    return len(text) <= MAX_WORD and not _CONTROL.search(text)


def _check_lists(plan: TrainingPlan) -> None:
    if len(plan.egress) > MAX_EGRESS or len({(one.host, one.port) for one in plan.egress}) != len(plan.egress):
        raise FaultyInputError(CODE, f"`egress` names a place twice or more than {MAX_EGRESS}")
    if len(plan.datasets) > MAX_DATASETS or len(set(plan.datasets)) != len(plan.datasets):
        raise FaultyInputError(CODE, f"`datasets` names one twice or more than {MAX_DATASETS}")
    for dataset in plan.datasets:
        _must(_DATASET, "datasets", dataset)
    _check_addresses(plan.control_plane_addresses)
    for target in plan.egress:
        _check_addresses(target.addresses)
        _must(_HOST, "egress", target.host, "a name in lower case, no address and no wildcard")
        _between("egress", target.port, 1, 65_535)


def _check_addresses(addresses: tuple[str, ...]) -> None:
    if len(addresses) > _MAX_ADDRESSES or not all(map(_may_be_reached, addresses)):
        raise FaultyInputError(CODE, "an address is no IPv4 address of another machine")


def _may_be_reached(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    shut = address.is_loopback or address.is_link_local or address.is_multicast or address.is_reserved
    return not shut and not address.is_unspecified


def _check_limits(limits: PodLimits) -> None:
    _must(_CPU, "cpu", limits.cpu)
    _must(_BYTES, "memory", limits.memory)
    _must(_BYTES, "scratch", limits.scratch)
    _must(re.compile(r"[a-z0-9.-]{1,63}/[a-z0-9.-]{1,63}\Z"), "gpu_resource", limits.gpu_resource)
    _between("gpus", limits.gpus, 0, 64)
    _between("deadline_s", limits.deadline_s, 1, 14 * 86_400)
    _between("keep_s", limits.keep_s, 0, 7 * 86_400)


def _must(form: re.Pattern[str], name: str, value: str, what: str = "of the form that Kubernetes wants") -> None:
    if not form.match(value):
        shown = "".join(c if c.isprintable() and c != "`" else "\ufffd" for c in value[:80])
        raise FaultyInputError(CODE, f"`{name}` must be {what}, not `{shown}`")


def _between(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise FaultyInputError(CODE, f"`{name}` is {value}, it must be from {least} to {most}")
