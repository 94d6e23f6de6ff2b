"""Training: a throw-away sandbox whose only way out is a proxy, and a record of what came in and what left.

1. Policy says whether a run may be, and where it may call; the caller can only ask for less.
2. The sandbox is tried from within before the command gets control; one probe that succeeds refuses the start.
3. What a run leaves behind goes through the artefact door, and nowhere else.
"""
