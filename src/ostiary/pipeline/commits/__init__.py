"""Which commits are approved: by a signature that somebody trusted made, or by a person's word.

An approval is for one commit of one repository, both by ids that never pass to others, and it ends. Policy sees whether
the commit that a job's own token names is approved (``input.subject.commit``), never what the job says beside it.
"""

from ostiary.pipeline.commits.approved import ApprovedCommit, ApprovedCommits, commit_named
from ostiary.pipeline.commits.signed import CommitObject, SignedCommit, verify_commit

__all__ = ["ApprovedCommit", "ApprovedCommits", "CommitObject", "SignedCommit", "commit_named", "verify_commit"]
