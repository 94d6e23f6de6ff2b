"""The settings of the inference door: where models may stand, how much is remembered of who asks."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ostiary.defence.probing import ProbeLimits
from ostiary.response.ssf.addresses import AddressRules
from ostiary.server.settings.base import Section


class InferenceSection(Section):
    """The door in front of models."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of your own in which models stand; without them only public addresses are reached, and by https."""
    loopback_http: bool = False
    """Whether a model on this machine may be reached by plain http."""
    ca_file: Path | None = None
    """PEM file with the authorities that are believed of models' certificates; none takes the system's."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=16_777_216)] = 262_144
    """Longest request to a model."""
    in_flight: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Requests to models worked on at once; one more is answered 503."""
    permit_s: Annotated[float, Field(ge=1, le=600)] = 60.0
    """How long a program that runs its model itself may take between being permitted and telling the answer."""
    watch_s: Annotated[int, Field(ge=60, le=604_800)] = 3600
    """The time in which near, straddling and unusual questions of a subject are counted."""
    remembered: Annotated[int, Field(ge=8, le=4096)] = 128
    """Latest questions of a subject that new ones are compared with."""
    subjects: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """Subjects (at an endpoint each) of a tenant that are watched; of one more, policy hears that it is not."""

    def rules(self) -> AddressRules:
        """Return where models may stand."""
        return AddressRules(networks=self.networks, loopback_http=self.loopback_http)

    def limits(self) -> ProbeLimits:
        """Return how far the watch looks."""
        return ProbeLimits(self.watch_s, self.remembered, self.subjects)
