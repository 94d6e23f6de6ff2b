"""The network of a run: nobody comes in, the run reaches its proxy and nothing else, not even DNS.

Two policies that any CNI enforces. Names are the proxy's business, because a core NetworkPolicy knows only addresses;
where Cilium runs, a policy of its own holds the proxy itself to the names.

Cilium lets through what *any* policy allows, its own or a core one. So with it the core policy of the proxy allows no
way out at all, and what that one shut off (the cluster, nodes, private places) is denied by name: a denial wins.
"""

from ipaddress import IPv4Address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.pipeline.kubernetes.job import PROXY_PORT, RUN, Manifest, labels, metadata
from ostiary.pipeline.kubernetes.plan import EgressTarget, TrainingPlan

_HTTPS: Final = 443
_DNS: Final = 53
_CLUSTER_DNS: Final = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
# Never through the proxy to the cluster, the node, its metadata service, or back: RFC 1918, 6598, 3927, 4193, 4291.
_PRIVATE_4: Final = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
_MAPPED: Final = "::ffff:0:0/96"  # never on a wire, and some readers of policies take it for IPv4
_PRIVATE_6: Final = ("::/127", _MAPPED, "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8")


def targets(plan: TrainingPlan) -> tuple[EgressTarget, ...]:
    """Return what the proxy lets through: Ostiary itself, and what policy grants."""
    split = urlsplit(plan.control_plane)
    ours = EgressTarget(split.hostname or "", split.port or _HTTPS, plan.control_plane_addresses)
    return (ours, *(one for one in plan.egress if (one.host, one.port) != (ours.host, ours.port)))


def _pinned(plan: TrainingPlan) -> list[str]:
    return sorted({address for target in targets(plan) for address in target.addresses})


def training_policy(plan: TrainingPlan) -> Manifest:
    """Return the policy of the training pod."""
    proxy = {"podSelector": {"matchLabels": labels(plan, "egress-proxy")}}
    return _policy(
        plan,
        plan.name,
        "training",
        ingress=[],
        egress=[{"to": [proxy], "ports": [{"protocol": "TCP", "port": PROXY_PORT}]}],
    )


def proxy_policy(plan: TrainingPlan) -> Manifest:
    """Return the policy of the proxy: from the run, to the cluster's DNS and public addresses at granted ports.

    Where Cilium's own policy says where to, this one adds nothing to it.
    """
    training = {"podSelector": {"matchLabels": labels(plan, "training")}}
    ports = [{"protocol": "TCP", "port": port} for port in sorted({target.port for target in targets(plan)})]
    dns = [{"protocol": protocol, "port": _DNS} for protocol in ("UDP", "TCP")]
    world = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_PRIVATE_4)}},
        {"ipBlock": {"cidr": "::/0", "except": list(_PRIVATE_6)}},
        *({"ipBlock": {"cidr": f"{address}/32"}} for address in _pinned(plan)),
    ]
    return _policy(
        plan,
        plan.egress_name,
        "egress-proxy",
        ingress=[{"from": [training], "ports": [{"protocol": "TCP", "port": PROXY_PORT}]}],
        egress=[] if plan.cilium else [{"to": [_CLUSTER_DNS], "ports": dns}, {"to": world, "ports": ports}],
    )


def _policy(plan: TrainingPlan, name: str, role: str, *, ingress: list[Any], egress: list[Any]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(plan, name, role),
        "spec": {
            "podSelector": {"matchLabels": labels(plan, role)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }


def cilium_policy(plan: TrainingPlan) -> Manifest:
    """Return the policy that holds the proxy to names (Cilium's DNS proxy tells it their addresses)."""
    names = [{"matchName": target.host} for target in targets(plan)]
    dns = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}}
    asked: dict[str, Any] = {
        "toEndpoints": [dns],
        "toPorts": [{"ports": [{"port": str(_DNS), "protocol": "ANY"}], "rules": {"dns": names}}],
    }
    training = {"matchLabels": {f"k8s:{RUN}": plan.name, "k8s:ostiary.dev/role": "training"}}
    ingress = {
        "fromEndpoints": [training],
        "toPorts": [{"ports": [{"port": str(PROXY_PORT), "protocol": "TCP"}]}],
    }
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": metadata(plan, plan.egress_name, "egress-proxy"),
        "spec": {
            "endpointSelector": {"matchLabels": labels(plan, "egress-proxy")},
            "ingress": [ingress],
            "egress": [asked, *_by_port(plan)],
            "egressDeny": [{"toCIDRSet": [_shut(plan, one) for one in (*_PRIVATE_4, *_PRIVATE_6) if one != _MAPPED]}],
        },
    }


def _by_port(plan: TrainingPlan) -> list[Manifest]:
    """Return where to at each port: names that the cluster's DNS leads, addresses where the plan pins them."""
    rules: list[Manifest] = []
    for port in sorted({target.port for target in targets(plan)}):
        there = [target for target in targets(plan) if target.port == port]
        ports = {"toPorts": [{"ports": [{"port": str(port), "protocol": "TCP"}]}]}
        names = [{"matchName": target.host} for target in there if not target.addresses]
        pinned = sorted({f"{address}/32" for target in there for address in target.addresses})
        rules += [{"toFQDNs": names, **ports}] if names else []
        rules += [{"toCIDR": pinned, **ports}] if pinned else []
    return rules


def _shut(plan: TrainingPlan, network: str) -> Manifest:
    """Return a network that is denied, less what the plan pins in it."""
    pinned = [f"{address}/32" for address in _pinned(plan) if IPv4Address(address) in ip_network(network)]
    return {"cidr": network, **({"except": pinned} if pinned else {})}
