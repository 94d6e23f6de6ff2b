"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""

from typing import Final

MANIFEST: Final = "sha256:c1fd591b61277825acece5f1b9f15d4f9c65e847525b7eb8be22af09c5d7aa99"
"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""
