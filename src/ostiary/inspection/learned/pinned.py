"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""

from typing import Final

MANIFEST: Final = "sha256:48bba55c819c21d954ed697de340c8fe7465924e9f10997c978f87b0667a11c4"
"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""
