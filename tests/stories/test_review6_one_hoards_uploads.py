"""Uploads that one caller leaves unfinished do not keep the tenant's other callers out."""

from pathlib import Path

import pytest

from ostiary.errors import UnavailableError
from ostiary.pipeline.registry.staging import Staging, StagingLimits


def test_one_caller_takes_half_of_the_room_at_most(tmp_path: Path) -> None:
    staging = Staging(tmp_path, StagingLimits(max_uploads=6), lambda: 1_790_000_000_000_000_000)
    for _ in range(3):
        staging.begin("default", "fraud", "ci_job:greedy")
    with pytest.raises(UnavailableError) as fault:
        staging.begin("default", "churn", "ci_job:greedy")
    assert fault.value.code == "uploads_too_many"
    honest = staging.begin("default", "fraud", "ci_job:honest")
    staging.drop("default", honest.upload_id, "fraud", "ci_job:honest")
    assert staging.begin("other", "fraud", "ci_job:greedy").tenant == "other"
