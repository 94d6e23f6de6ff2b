"""The settings of the registry of models: where files lie, how much is taken in, how many people agree."""

from typing import Annotated, Literal

from pydantic import Field

from ostiary.pipeline.registry.approving import PEOPLE
from ostiary.pipeline.registry.staging import StagingLimits
from ostiary.server.settings.base import Section


class ModelsSection(Section):
    """The registry of models (ADR-0027)."""

    store: str = ""
    """Where the files of models lie: empty for a folder in the data directory, else a URL such as `s3://bucket/models`."""
    approvers: Annotated[int, Field(ge=2, le=16)] = PEOPLE
    """Different people who must approve what becomes live; never fewer than two."""
    approval: Literal["files", "quorum"] = "files"
    """How people approve: by files that they sign with keys of their own, or by proposals and passkeys (ADR-0042)."""
    max_upload_mb: Annotated[int, Field(ge=1, le=4_194_304)] = 65_536
    """Megabytes of one upload."""
    max_files: Annotated[int, Field(ge=1, le=10_000)] = 4096
    """Files of one model."""
    max_uploads: Annotated[int, Field(ge=1, le=1000)] = 16
    """Unfinished uploads of one tenant at a time."""
    upload_life_s: Annotated[int, Field(ge=60, le=604_800)] = 21_600
    """Seconds after which an unfinished upload is erased."""
    stall_s: Annotated[float, Field(ge=0.5, le=600)] = 30.0
    """Seconds in which a piece of a file must come in or be taken; then the connection is cut off."""

    def staging(self) -> StagingLimits:
        """Return what staging needs."""
        return StagingLimits(self.max_upload_mb << 20, self.max_files, self.max_uploads, self.upload_life_s)
