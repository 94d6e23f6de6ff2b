"""What a receiver reads of the transmitter and of its streams (SSF 1.0 §7.1, §8.1).

Every URL is made from the configured public URL; the ``Host`` header is the caller's word and is not read.

>>> Places("https://us.example").issuer("acme")
'https://us.example/acme'
"""

from typing import Any, Final

import msgspec

from ostiary.response.ssf.limits import StreamRules
from ostiary.response.ssf.streams import POLL, PUSH, SUPPORTED, Stream

PREFIX: Final = "/ssf/v1"
SPEC_VERSION: Final = "1_0"
# OAuth 2.0 and HTTP Basic / mutual TLS: SSF 1.0 §7.1.1
SCHEMES: Final = ("urn:ietf:rfc:6749", "urn:ietf:rfc:6750", "urn:ietf:rfc:7617", "urn:ietf:rfc:8705")


class Places(msgspec.Struct, frozen=True):
    """Under which URLs shared signals are reached."""

    base: str
    main_tenant: str = "default"

    def issuer(self, tenant: str) -> str:
        """Return the ``iss`` of a tenant's event tokens."""
        return self.base if tenant in {"", self.main_tenant} else f"{self.base}/{tenant}"

    def poll(self, stream_id: str) -> str:
        """Return where a stream is polled."""
        return f"{self.base}{PREFIX}/poll/{stream_id}"


def transmitter_document(places: Places, rules: StreamRules, tenant: str = "") -> dict[str, Any]:
    """Return the transmitter's metadata; it is the same for a tenant that does not exist."""
    base = places.base + PREFIX
    return {
        "spec_version": SPEC_VERSION,
        "issuer": places.issuer(tenant),
        "jwks_uri": f"{base}/jwks.json",
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": f"{base}/streams",
        "status_endpoint": f"{base}/status",
        "add_subject_endpoint": f"{base}/subjects/add",
        "remove_subject_endpoint": f"{base}/subjects/remove",
        "verification_endpoint": f"{base}/verify",
        "critical_subject_members": ["user", "session", "device"],
        "authorization_schemes": [{"spec_urn": urn} for urn in SCHEMES],
        "default_subjects": rules.default_subjects,
    }


def stream_document(stream: Stream, places: Places, rules: StreamRules) -> dict[str, Any]:
    """Return a stream's configuration; the authorisation of a push is never shown again."""
    url = stream.delivery.url if stream.delivery.method == PUSH else places.poll(stream.stream_id)
    found = {
        "stream_id": stream.stream_id,
        "iss": places.issuer(stream.tenant),
        "aud": stream.audience[0] if len(stream.audience) == 1 else list(stream.audience),
        "delivery": {"method": stream.delivery.method, "endpoint_url": url},
        "events_supported": list(SUPPORTED),
        **({"events_requested": [uri for uri in stream.requested if uri]} if stream.requested else {}),
        "events_delivered": list(stream.delivered),
        "min_verification_interval": rules.min_verification_s,
    }
    if rules.inactivity_s:
        found["inactivity_timeout"] = rules.inactivity_s
    return {**found, "description": stream.description} if stream.description else found


def status_document(stream: Stream) -> dict[str, Any]:
    """Return a stream's status."""
    found = {"stream_id": stream.stream_id, "status": stream.status}
    return {**found, "reason": stream.reason} if stream.reason else found
