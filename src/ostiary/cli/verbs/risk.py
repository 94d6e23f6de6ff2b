"""``ostiary risk``: train a model from history, score a stream with it, measure it, report on it, see its impact.

- Each verb is a file of ``cli/risk``; this one only joins them.
- Answers go to stdout, progress and rejected records to stderr.
- A model is signed when it is written and verified before it is used.
- Scores are causal: an access is judged by what came before it in the file.
"""

from cyclopts import App

from ostiary.cli.impact.verbs import model as impact_of_model
from ostiary.cli.risk.audit_sources import audit_sources
from ostiary.cli.risk.certify import certify
from ostiary.cli.risk.entitlements import entitlements
from ostiary.cli.risk.evaluate import evaluate
from ostiary.cli.risk.golden import golden
from ostiary.cli.risk.report import report
from ostiary.cli.risk.score import score
from ostiary.cli.risk.train import train

command = App(
    name="risk", help="Access risk: train, score, evaluate, report. A model never decides; policy reads its score."
)

for verb in (train, score, evaluate, report):
    command.command(verb)
command.command(entitlements)
command.command(impact_of_model, name="impact")
command.command(certify)
command.command(golden)
command.command(audit_sources, name="audit-sources")
