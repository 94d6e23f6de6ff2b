"""Tool calls guarded by facts: labels, where arguments come from, what a tool reads and does."""

from ostiary.gateway.tools.facts import ArgumentFacts, CallFacts
from ostiary.gateway.tools.judging import Asks, CallJudged, CallsJudged, Judged, judge_calls, read_calls
from ostiary.gateway.tools.manifest import Manifest, Reads, Sink, Tool

__all__ = [
    "ArgumentFacts",
    "Asks",
    "CallFacts",
    "CallJudged",
    "CallsJudged",
    "Judged",
    "Manifest",
    "Reads",
    "Sink",
    "Tool",
    "judge_calls",
    "read_calls",
]
