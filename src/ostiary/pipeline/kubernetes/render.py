"""A plan becomes manifests: the same plan gives the same bytes, in the order in which they are applied.

The proxy and the policies come before the Job: a run that starts without them would be a run without walls.
"""

import ipaddress
from typing import Any

import msgspec
import yaml
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.pipeline.kubernetes.job import Manifest, job, service_account
from ostiary.pipeline.kubernetes.network import cilium_policy, proxy_policy, training_policy
from ostiary.pipeline.kubernetes.plan import CODE, TrainingPlan, check_plan
from ostiary.pipeline.kubernetes.proxy import config_map, deployment, service


def render(plan: TrainingPlan, proxy_ip: str) -> list[Manifest]:
    """Return the manifests of one run.

    Args:
        plan: what is to run.
        proxy_ip: a free address of the cluster's service range, for the proxy.

    Raises:
        FaultyInputError: ``training_plan_invalid``.
    """
    check_plan(plan)
    address = _service_address(proxy_ip)
    return [
        service_account(plan),
        training_policy(plan),
        proxy_policy(plan),
        *([cilium_policy(plan)] if plan.cilium else []),
        config_map(plan),
        deployment(plan),
        service(plan, address),
        job(plan, address),
    ]


def _service_address(text: str) -> str:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise FaultyInputError(CODE, f"`{text[:40]}` is no IPv4 address") from None
    if not address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified:
        raise FaultyInputError(CODE, f"`{address}` is no address of a cluster's service range")
    return str(address)


def to_json(manifests: list[Manifest]) -> bytes:
    """Return the manifests as one ``List``, as ``kubectl apply -f`` takes it."""
    return msgspec.json.format(msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": manifests}), indent=2)


class _Plain(yaml.SafeDumper):
    """Writes every value out; a reader that knows no anchors reads the same."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        """Never write an anchor."""
        return True


def to_yaml(manifests: list[Manifest]) -> str:
    """Return the manifests as YAML documents."""
    return yaml.dump_all(manifests, Dumper=_Plain, sort_keys=False, explicit_start=True, default_flow_style=False)
