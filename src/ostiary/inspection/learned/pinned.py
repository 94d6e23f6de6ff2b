"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""

from typing import Final

MANIFEST: Final = ""
"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""
