"""A registered endpoint: which model stands behind which address, what it may be asked, by whom how often.

Rules: only administrators register; unknown members are errors; an address is checked in form when it is registered and
as an address each time that it is used. The name of a model is its digest: what answers is on record.
"""

from typing import Annotated, Any, Final

import msgspec

from ostiary.defence.budgets import Budget
from ostiary.errors import FaultyInputError
from ostiary.pipeline.inference.outputs import OutputSpec
from ostiary.pipeline.inference.schema import InputSchema, read_schema
from ostiary.response.ssf.addresses import AddressRules, check_url

TYPE: Final = "endpoint"
HIGH_VALUE: Final = "high-value"
Text = Annotated[str, msgspec.Meta(max_length=2048)]


class EndpointSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The door's own part of a registered endpoint.

    Attributes:
        url: where the model answers; empty when only an enforcement point inside its program serves it.
        model: digest of the model (``sha256:…`` or ``blake3:…``), as the registry of models names it.
        schema: what it may be asked.
        output: how its answers are read.
        subject: rows that one subject may ask for; ``device``: all who prove one key; ``network``: all from one network
            (/24, or /48 of IPv6); ``tenant``: all subjects together.
        rate: requests of one subject in a short window; it does not outlive the process.
        timeout_s: how long the model may take.
        max_answer: longest answer in bytes.
    """

    schema: InputSchema
    url: Text = ""
    model: Text = ""
    output: OutputSpec = OutputSpec()
    subject: Budget = Budget(10_000, 86_400)
    device: Budget = Budget(10_000, 86_400)
    network: Budget = Budget(100_000, 86_400)
    tenant: Budget = Budget(1_000_000, 86_400)
    rate: Budget = Budget(50, 1)
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 10.0
    max_answer: Annotated[int, msgspec.Meta(ge=64, le=16_777_216)] = 1_048_576


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    """The spec as it is told, its schema still open."""

    schema: dict[str, Any]
    url: Text = ""
    model: Text = ""
    output: OutputSpec = OutputSpec()
    subject: Budget | None = None
    device: Budget | None = None
    network: Budget | None = None
    tenant: Budget | None = None
    rate: Budget | None = None
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 10.0
    max_answer: Annotated[int, msgspec.Meta(ge=64, le=16_777_216)] = 1_048_576


def read_spec(told: Any, rules: AddressRules | None = None) -> EndpointSpec:
    """Return a spec told as JSON values; with ``rules`` its address must keep to them.

    Raises:
        FaultyInputError: ``endpoint_invalid``, ``schema_invalid``, ``budget_invalid`` or ``address_refused``.
    """
    try:
        read = msgspec.convert(told, _Told)
    except msgspec.ValidationError as fault:
        raise _invalid(str(fault)[:1].lower() + str(fault)[1:]) from fault
    if read.model and not _is_digest(read.model):
        raise _invalid("`model` is a digest, `sha256:…` or `blake3:…`")
    if read.url and rules is not None:
        check_url(read.url, rules)
    given = {name: getattr(read, name) for name in ("subject", "device", "network", "tenant", "rate")}
    budgets = {name: budget.check() for name, budget in given.items() if budget is not None}
    return EndpointSpec(
        schema=read_schema(read.schema),
        url=read.url,
        model=read.model,
        output=read.output,
        timeout_s=read.timeout_s,
        max_answer=read.max_answer,
        **budgets,
    )


def spec_document(spec: EndpointSpec) -> dict[str, Any]:
    """Return the spec as JSON values, as the registry keeps it; ``read_spec`` reads it back."""
    document: dict[str, Any] = msgspec.to_builtins(spec)
    return document


def _is_digest(text: str) -> bool:
    kind, _, digits = text.partition(":")
    return kind in {"sha256", "blake3"} and len(digits) == 64 and not set(digits) - set("0123456789abcdef")  # noqa: PLR2004


def _invalid(why: str) -> FaultyInputError:
    return FaultyInputError("endpoint_invalid", f"the endpoint cannot be registered so: {why}")
