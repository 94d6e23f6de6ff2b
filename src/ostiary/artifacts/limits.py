"""How large an artefact may be; what is larger is refused before it is read."""

import msgspec


class ArtifactLimits(msgspec.Struct, frozen=True):
    """Bounds on one artefact folder.

    Attributes:
        max_files: number of files, the manifest not counted.
        max_file_bytes: size of the largest file.
        max_total_bytes: size of all files together.
        max_manifest_bytes: size of the manifest.
        max_signatures: number of signatures in the manifest.
    """

    max_files: int = 64
    max_file_bytes: int = 256 * 1024 * 1024
    max_total_bytes: int = 512 * 1024 * 1024
    max_manifest_bytes: int = 256 * 1024
    max_signatures: int = 16
