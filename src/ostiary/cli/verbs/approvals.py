"""``ostiary approvals``: what people are asked to agree to, who they are, and how many it takes.

Nobody agrees on the command line: a person signs with a passkey, and a passkey answers to a browser. `approve` and
`reject` print the page's address and the words that it must show; there is no other way, for nobody.
"""

from cyclopts import App

VERBS: dict[str, tuple[str, str]] = {
    "approve": ("deciding:approve", "Print where to approve with a passkey, and the words that the page must show."),
    "delegate": ("asking:delegate", "Ask that one person may sign for another, for some days."),
    "enact": ("deciding:enact", "Make agreed rules or people the law."),
    "list": ("reading:list_", "List the newest proposals, newest first."),
    "people": ("asking:people", "Show who may agree; name the first ones, or propose others."),
    "propose": ("asking:propose", "Ask people to agree to a deed."),
    "reject": ("deciding:reject", "Print where to say no with a passkey, and the words that the page must show."),
    "rules": ("asking:rules", "Show how many people each kind takes, or propose another rule."),
    "show": ("reading:show", "Show a proposal, every signature verified again."),
    "withdraw": ("deciding:withdraw", "Take a proposal back; what was done by it holds no more."),
}

command = App(name="approvals", help="Approvals: several people agree to one deed, each with a passkey.")
for _name, (_path, _words) in VERBS.items():
    command.command(f"ostiary.cli.approvals.{_path}", name=_name, help=_words)
