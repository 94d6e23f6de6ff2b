"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""

from typing import Final

MANIFEST: Final = "sha256:f742e444e2ee7e098730db52dccab486dfde24870572292677c540bbaaa22631"
"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""
