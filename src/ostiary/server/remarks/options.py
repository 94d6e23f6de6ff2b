"""Options that let something through, beside those that the checkup itself knows: each has its name."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from ostiary.server.remarks import Remark
from ostiary.server.settings.sections import Settings

_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_CHECK: Final = "fail-open"


def option_remarks(settings: Settings) -> Iterator[Remark]:
    """Yield a remark for each option that weakens something."""
    yield from _models(settings)
    yield from _lines(settings)
    for one in settings.admission.namespaces:
        if one.without_model:
            text = f"pods of `{one.namespace}` may run that say they hold no model, and nobody looks whether they do"
            yield Remark(_CHECK, text, f"without_model = false for `{one.namespace}`")
    if settings.datasets.memory:
        yield Remark(_CHECK, "datasets may lie in memory: no rights of a store guard them", "datasets.memory = false")
    if settings.audit.min_free_mb == 0:
        text = "records are accepted until the disk is full, and then nothing can be recorded"
        yield Remark(_CHECK, text, "audit.min_free_mb = 32")
    for provider in settings.console.oidc:
        if not provider.namespaced:
            text = f"whoever `{provider.name}` calls `ann` is `user:ann` here, whoever else that is"
            yield Remark(_CHECK, text, f"namespaced = true for the provider `{provider.name}`")


def _models(settings: Settings) -> Iterator[Remark]:
    if settings.llm.enabled and not settings.llm.inspect:
        text = "prompts to language models are looked at by nobody; policy hears that"
        yield Remark(_CHECK, text, "llm.inspect = true")
    for one in settings.llm.upstreams:
        if one.plain_http:
            text = f"prompts go to the language models of `{one.name}` in the open"
            yield Remark(_CHECK, text, f"an https base_url for `{one.name}`, and no plain_http")
    if settings.inference.loopback_http:
        text = "models on this machine are asked by plain HTTP: whoever listens here reads along"
        yield Remark(_CHECK, text, "inference.loopback_http = false")


def _lines(settings: Settings) -> Iterator[Remark]:
    for name, section in (("ssf", settings.ssf), ("response", settings.response)):
        if section.allow_http_loopback:
            text = f"`{name}` may speak plain HTTP to this machine: it is for trying out"
            yield Remark(_CHECK, text, f"{name}.allow_http_loopback = false")
    for hook in settings.response.webhooks:
        if hook.allow_private:
            text = f"the webhook `{hook.name}` may reach addresses inside your network"
            yield Remark(_CHECK, text, f"allow_private = false for `{hook.name}`")
    endpoint = urlsplit(settings.telemetry.otlp_endpoint)
    if endpoint.scheme == "http" and endpoint.hostname not in _HERE:
        yield Remark(_CHECK, "spans travel in the open", "an https telemetry.otlp_endpoint")
