"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""

from typing import Final

MANIFEST: Final = "sha256:8b569b20feac3744d4e0ca1e711ca109206076da55e8ab0ce47f92d7acf6db82"
"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""
