"""The section ``conversations``: where tenants' keys lie, and how much is kept."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ostiary.server.settings.base import Section


class ConversationsSection(Section):
    """Conversations, encrypted under keys of their users."""

    wrapper: Literal["file", "vault", "kms"] = "file"
    """Where the tenants' keys lie: private files, the transit engine of Vault or OpenBao, or AWS KMS."""
    url: str = ""
    """With `vault` or `kms`: address of the key service, HTTPS."""
    token_file: Path | None = None
    """With `vault`: private file with the token; it is read anew at each request."""
    mount: str = "transit"
    """With `vault`: where the engine is mounted."""
    namespace: str = ""
    """With `vault`: namespace, where there are any."""
    region: str = ""
    """With `kms`: region of the service."""
    credentials_file: Path | None = None
    """With `kms`: private JSON file with `access_key`, `secret_key` and optionally `session_token`."""
    prefix: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,62}$")] = "ostiary-conversations"
    """With `vault` or `kms`: how the names of the keys begin; a hyphen and the tenant follow."""
    cache_s: Annotated[float, Field(ge=0, le=300)] = 60
    """How long unwrapped data keys stay in memory."""
    max_message_bytes: Annotated[int, Field(ge=1024, le=16_777_216)] = 1_048_576
    """Longest message."""
    max_messages: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """Most messages of one conversation."""
    max_conversation_mb: Annotated[int, Field(ge=1, le=1024)] = 64
    """Most of one conversation."""
    max_per_user: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Most conversations of one user."""
    epoch_seals: Annotated[int, Field(ge=1_000, le=1_073_741_824)] = 16_777_216
    """After so many seals a user's data key is replaced by itself; AES-GCM with random nonces is safe to 2^32."""
    tend_s: Annotated[int, Field(ge=1, le=86_400)] = 30
    """How often older messages are brought under the current key, and keys that are shredded or unused destroyed."""
    tend_most: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Most conversations of a tenant that one such round brings over."""

    @model_validator(mode="after")
    def _the_key_service_is_whole(self) -> "ConversationsSection":
        missing = {
            "file": (),
            "vault": tuple(name for name in ("url", "token_file") if not getattr(self, name)),
            "kms": tuple(name for name in ("url", "region", "credentials_file") if not getattr(self, name)),
        }[self.wrapper]
        if missing:
            msg = f"`{self.wrapper}` needs `{'` and `'.join(missing)}`"
            raise ValueError(msg)
        return self
