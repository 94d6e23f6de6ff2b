"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""

from typing import Final

MANIFEST: Final = "sha256:f046e4bfd6f26e3aa3544f88e786ffda35cf9b30a29524855131fd2519c4ba07"
"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""
