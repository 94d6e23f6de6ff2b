"""``ostiary biometrics``: train a model of how people type, point or work, score windows with it, measure it.

- Each verb is a file of ``cli/biometrics``; this one only joins them.
- Answers go to stdout, progress and what was left out to stderr.
- A model is signed when it is written and verified before it is used.
"""

from cyclopts import App

from ostiary.cli.biometrics.enrol import enrol
from ostiary.cli.biometrics.evaluate import evaluate
from ostiary.cli.biometrics.score import score
from ostiary.cli.biometrics.train import train
from ostiary.cli.biometrics.update import update
from ostiary.cli.biometrics.watched import excuse, forget, status

command = App(
    name="biometrics",
    help="Behavioural biometrics: train, enrol, score, evaluate. A model never decides; policy reads what it says.",
)

for verb in (train, enrol, score, evaluate, update):
    command.command(verb)
for deed in (status, forget, excuse):
    command.command(deed)
