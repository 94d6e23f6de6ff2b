"""The digest of the manifest of the shipped weights; training writes it anew. Nothing else is ever loaded."""

from typing import Final

MANIFEST: Final = "sha256:0fdfaaadb046ddab73e6a9ae17b3b4e9ad3094615841fe0dc0663e323f2ebefb"
"""``sha256:…`` of ``models/inspection/manifest.json``; empty when no weights are shipped."""
