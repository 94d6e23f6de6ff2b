"""What anybody may read of a tenant's authorization server: its metadata (RFC 8414), made of the public URL alone.

It says the same for a tenant that does not exist; so does the key set, which is empty until a first token was made.

>>> server_document("https://pdp.example", "default", ())["issuer"]
'https://pdp.example/oauth/default'
"""

from collections.abc import Sequence
from typing import Any

from ostiary.identity.exchange.asking import GRANT
from ostiary.identity.exchange.own import issuer_of_tenant
from ostiary.identity.settings import DpopSettings
from ostiary.keys import ES256


def server_document(base: str, tenant: str, types: Sequence[str]) -> dict[str, Any]:
    """Return the metadata of a tenant's authorization server; ``types`` are the kinds of details that it knows."""
    issuer = issuer_of_tenant(base, tenant)
    callers = ["client_secret_basic", "tls_client_auth"]
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "introspection_endpoint": f"{issuer}/introspect",
        "introspection_endpoint_auth_methods_supported": callers,
        "revocation_endpoint": f"{issuer}/revoke",
        "revocation_endpoint_auth_methods_supported": [*callers, "none"],
        "response_types_supported": [],
        "grant_types_supported": [GRANT],
        "token_endpoint_auth_methods_supported": ["none"],  # the subject token and the proof are what is demanded
        "authorization_details_types_supported": list(types),
        "dpop_signing_alg_values_supported": list(DpopSettings().algorithms),
        "tls_client_certificate_bound_access_tokens": True,
        "access_token_signing_alg_values_supported": [ES256],
    }
