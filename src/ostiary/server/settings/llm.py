"""The settings of the door in front of language models: which there are, where they stand, what may be spent."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from ostiary.defence.budgets import MAX_LIMIT, MAX_WINDOW_S, Budget
from ostiary.defence.rates import MAX_PER_MINUTE
from ostiary.errors import UnavailableError
from ostiary.gateway.models import LanguageModel
from ostiary.gateway.openai.limits import AskLimits
from ostiary.gateway.spending import Allowance, Pace
from ostiary.gateway.tools import Manifest
from ostiary.gateway.upstreams.extractive import NAME
from ostiary.gateway.upstreams.http import HttpSettings, key_from
from ostiary.gateway.usage import Price
from ostiary.inspection.response.settings import DEFAULT_ACTIONS, Action, LeakSettings
from ostiary.server.settings.base import Section

Finds = Literal["off", "note", "flag", "redact", "tokenise", "ask", "block"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._:/@-]{0,126}[A-Za-z0-9])?$")]
Amount = Annotated[int, Field(ge=0, le=MAX_LIMIT)]
PerMinute = Annotated[int, Field(ge=0, le=MAX_PER_MINUTE)]
Burst = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class LlmUpstreamSection(Section):
    """One server that speaks OpenAI's protocol."""

    name: Name
    """By which models name it."""
    base_url: str
    """Its address, such as `https://api.openai.com/v1`; it is the only one that is ever asked."""
    key: SecretStr = SecretStr("")
    """The key that it wants."""
    key_file: Path | None = None
    """File that holds the key; it is read again when it changes."""
    ca_file: Path | None = None
    """PEM file with the authorities that are believed; none takes the system's."""
    plain_http: bool = False
    """Whether it may be asked by http although it is another machine."""
    connect_s: Seconds = 5.0
    """Longest time for a connection."""
    first_s: Seconds = 120.0
    """Longest time until an answer begins."""
    idle_s: Seconds = 60.0
    """Longest time between two pieces of an answer."""
    connections: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Most questions to it at once."""

    def http(self) -> HttpSettings:
        """Return what the upstream needs."""
        return HttpSettings(
            name=self.name,
            base_url=self.base_url,
            key=key_from(self.key_file, self.key.get_secret_value()),
            ca_file=str(self.ca_file or ""),
            plain=self.plain_http,
            connect_s=self.connect_s,
            first_s=self.first_s,
            idle_s=self.idle_s,
            connections=self.connections,
        )


class LlmModelSection(Section):
    """One language model."""

    name: Name
    """Its id for policy, records and callers."""
    upstream: str = ""
    """The server that has it; empty for the extract inside Ostiary."""
    target: str = ""
    """Its name at the server; empty takes `name`."""
    aliases: tuple[Name, ...] = ()
    """Other names by which callers may ask for it."""
    tenants: tuple[str, ...] = ("default",)
    """Tenants that have it; `*` is every one."""
    kinds: tuple[Literal["chat", "embeddings"], ...] = ("chat",)
    """What it can do."""
    sensitivity: Annotated[int, Field(ge=0, le=4)] = 1
    """0 public … 4 crown jewels, as for any resource."""
    labels: tuple[str, ...] = ()
    """Labels for policy; `high-value` asks for a person's own sign-in in a live session on an attested device."""
    critical: bool = False
    """Whether models alone never go past a step-up here."""
    input_price: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    """What a million tokens of prompts cost, in the currency of the budgets."""
    output_price: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    """What a million tokens of answers cost."""
    owner: str = ""
    """Who answers for it, as `type:id`."""
    requests_per_minute: PerMinute = 0
    """Requests of a tenant to it in a minute, evenly; 0 sets no bound."""
    burst: Burst = 10
    """How many of them may come at once."""

    def model(self) -> LanguageModel:
        """Return it as the gateway knows it."""
        return LanguageModel(
            name=self.name,
            upstream=self.upstream,
            target=self.target or self.name,
            aliases=self.aliases,
            tenants=self.tenants,
            kinds=self.kinds,
            sensitivity=self.sensitivity,
            labels=self.labels,
            critical=self.critical,
            price=Price(self.input_price, self.output_price),
            owner=self.owner,
            requests_per_minute=self.requests_per_minute,
            burst=self.burst,
        )


class LlmBudgetSection(Section):
    """What one subject, or all of a tenant, may use within a sliding window; 0 sets no bound."""

    requests_per_minute: PerMinute = 0
    """Requests in a minute, evenly."""
    burst: Burst = 10
    """How many of them may come at once after a rest."""
    requests: Amount = 0
    """Requests."""
    tokens: Amount = 0
    """Tokens of prompts and answers together."""
    spend: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """Money, in the currency of the prices."""
    window_s: Annotated[int, Field(ge=60, le=MAX_WINDOW_S)] = 3600
    """Length of the window for requests and tokens."""
    spend_window_s: Annotated[int, Field(ge=60, le=MAX_WINDOW_S)] = 86_400
    """Length of the window for money."""

    def pace(self) -> Pace:
        """Return the pace."""
        return Pace(self.requests_per_minute, self.burst)

    def allowance(self) -> Allowance:
        """Return the budgets."""
        return Allowance(
            requests=Budget(self.requests, self.window_s) if self.requests else None,
            tokens=Budget(self.tokens, self.window_s) if self.tokens else None,
            spend=Budget(round(self.spend * 100_000), self.spend_window_s) if self.spend else None,
        )


class LlmSection(Section):
    """The door in front of language models."""

    enabled: bool = True
    """Whether there is one."""
    embedded: bool = True
    """Whether every tenant has `embedded-extractive`, which answers with sentences of what it is given."""
    upstreams: tuple[LlmUpstreamSection, ...] = ()
    """Servers that speak OpenAI's protocol."""
    models: tuple[LlmModelSection, ...] = ()
    """The language models that are served."""
    subject: LlmBudgetSection = LlmBudgetSection()
    """What each subject may use."""
    tenant: LlmBudgetSection = LlmBudgetSection()
    """What each tenant may use, all its subjects together."""
    inspect: bool = True
    """Whether prompts are looked at; when not, policy hears that the detector is not available."""
    keep: bool = True
    """Whether conversations are kept, encrypted for their users, where callers ask for it (`store`)."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=67_108_864)] = 4_194_304
    """Longest request."""
    max_messages: Annotated[int, Field(ge=1, le=10_000)] = 512
    """Most messages, or items of input."""
    max_text: Annotated[int, Field(ge=1000, le=4_000_000)] = 400_000
    """Most characters of one text."""
    max_tools: Annotated[int, Field(ge=0, le=1000)] = 128
    """Most tools that are offered."""
    max_output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 16_384
    """Most tokens of one answer; whoever asks for more gets this, and whoever asks for nothing."""
    extra_parameters: tuple[str, ...] = ()
    """Parameters beyond OpenAI's that your own servers know; they are let through, and looked at."""
    image_hosts: tuple[str, ...] = ()
    """Hosts from which the model's server may fetch pictures by https; without one, pictures come as `data:`."""
    tools_file: Path | None = None
    """Manifest of the tools that applications offer (`docs/how-to/guard-tools.md`); a tool that is not in it counts as
    the worst."""
    egress_hosts: tuple[str, ...] = ()
    """Hosts that links and pictures in answers may point to; without one, what carries something out is taken out."""
    actions: dict[str, Finds] = Field(default_factory=dict)
    """What becomes of what is found in answers, by class of rule, such as `pii.email`; others keep their default."""
    in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Requests worked on at once; one more is answered 503, and half as many of one tenant."""
    stall_s: Seconds = 30.0
    """How long a caller may take nothing of a stream before it is cut off."""
    stream_s: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    """Longest stream."""

    @model_validator(mode="after")
    def _upstreams_are_there(self) -> "LlmSection":
        names = [one.name for one in self.upstreams]
        missing = [one.name for one in self.models if one.upstream and one.upstream not in names]
        if missing or len(set(names)) != len(names):
            msg = "each model names one of `upstreams`, and no two of these have one name"
            raise ValueError(msg)
        return self

    def served(self) -> tuple[LanguageModel, ...]:
        """Return all models."""
        inside = LanguageModel(name=NAME, target=NAME, tenants=("*",), sensitivity=0, kinds=("chat", "embeddings"))
        return (*((inside,) if self.embedded else ()), *(one.model() for one in self.models))

    def manifest(self) -> Manifest:
        """Return the tools' manifest.

        Raises:
            FaultyInputError: it is malformed.
            UnavailableError: ``tools_unreadable``.
        """
        if self.tools_file is None:
            return Manifest(())
        try:
            return Manifest.parse(self.tools_file.read_bytes())
        except OSError as fault:
            raise UnavailableError("tools_unreadable", "the manifest of tools cannot be read") from fault

    def leaks(self) -> LeakSettings:
        """Return what becomes of what is found in answers."""
        told = {name: Action(action) for name, action in self.actions.items()}
        return LeakSettings(actions={**DEFAULT_ACTIONS, **told}, egress_hosts=self.egress_hosts)

    def limits(self) -> AskLimits:
        """Return how much a request may hold."""
        return AskLimits(
            messages=self.max_messages, text=self.max_text, tools=self.max_tools, output=self.max_output_tokens
        )
