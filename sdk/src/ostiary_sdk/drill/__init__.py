"""Does an application fail closed? ``python -m ostiary_sdk.drill`` breaks what it rests on and sees what gets through.

1. Start the drill: it prints an address. 2. Start the application with that address as its decision point.
3. The drill sends a request that is permitted, again and again, while it breaks one thing after another.
"""

from ostiary_sdk.drill.checks import Drill, Outcome, Plan, Report
from ostiary_sdk.drill.link import Link

__all__ = ["Drill", "Link", "Outcome", "Plan", "Report"]
