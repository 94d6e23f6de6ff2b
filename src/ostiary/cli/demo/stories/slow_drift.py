"""The story ``slow-drift``: somebody moves his habits by a little every day, until taking everything looks usual."""

from typing import Final

from ostiary.cli.demo.attacked import Tale, perform_attacks
from ostiary.cli.demo.scene import Ending, Scene

NAME: Final = "slow-drift"
LEARNED: Final = False
SERVED: Final = False
SENTENCE: Final = "somebody moves his habits by a little every day, until taking everything looks usual"
TALE: Final = Tale(
    attacks=("drift-0.05", "drift-0.1"),
    opening=(
        "An insider, or whoever has his account, wants the whole customer list. All at once would be noticed. So each "
        "day he takes a little more than the day before, and lets the profile that watches him learn that this is what "
        "he does. He wins when the profile has come along by two deviations and nobody was asked anything."
    ),
    bare="only the profile that follows him is asked, and a day alarms when it lies three deviations away from it.",
    defence=(
        "his first thirty days stay as a frozen baseline. Each day is ranked among them and the ranks are summed up "
        "(CUSUM), and the profile may move by 0.05 deviations a day at most."
    ),
    left=(
        "shifts that stay below 0.4 deviations are never an alarm, a jump within few days is the access model's to "
        "catch, and honest people change, too: docs/explanation/evasion.md says how often they are asked."
    ),
    measured="simulated days of steady workers",
    notes={
        "days_for_the_profile_at_least": "The profile needs {:.0f} days at least to move so far.",
        "median_days_to_alarm": "Half of the drifters are stopped within {:.0f} days of their drift.",
        "median_deviations_at_alarm": "By then they stand {:.1f} deviations away from where they began.",
    },
)


def perform(scene: Scene) -> Ending:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, TALE)
