"""The network of a run: nobody comes in, the run reaches its proxy and nothing else, not even DNS.

Two policies that any CNI enforces. Names are the proxy's business, because a core NetworkPolicy knows only addresses;
where Cilium runs, a third policy holds the proxy itself to the names. Cilium adds up what policies of both kinds allow:
so the core one then lets the proxy out to nowhere, and where there is no Cilium after all, nowhere is what it reaches.
"""

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
_PRIVATE_6: Final = ("::/127", "::ffff:0:0/96", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8")


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

    With Cilium, out to nothing: that is its own policy's to allow.
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
    by_port = [
        {
            "toFQDNs": [{"matchName": target.host} for target in targets(plan) if target.port == port],
            "toPorts": [{"ports": [{"port": str(port), "protocol": "TCP"}]}],
        }
        for port in sorted({target.port for target in targets(plan)})
    ]
    pinned = [  # nobody asks DNS where these are, so Cilium learns it of nobody
        {
            "toCIDR": [f"{address}/32" for address in sorted(target.addresses)],
            "toPorts": [{"ports": [{"port": str(target.port), "protocol": "TCP"}]}],
        }
        for target in targets(plan)
        if target.addresses
    ]
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
            "egress": [asked, *by_port, *pinned],
        },
    }
