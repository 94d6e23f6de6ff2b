"""The attacks, one a file; each has an ``ATTACK`` (or ``ATTACKS``, where several share what they need)."""
