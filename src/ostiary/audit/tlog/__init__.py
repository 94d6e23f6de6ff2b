"""The transparency log's mathematics and formats, without storage: Merkle trees, tiles, notes, checkpoints, proofs.

Formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature, tlog-proof); trees are RFC 6962.
The independent verifier (``audit.verifier``) shares none of this code, on purpose.
"""
