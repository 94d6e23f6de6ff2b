"""Sigstore's trust root, pinned: authorities, certificate logs and signature logs, each with its time of service."""

import msgspec


class TrustedRoot(msgspec.Struct, frozen=True):
    """What a Sigstore signature is checked against; read from ``trusted_root.json`` and never fetched."""
