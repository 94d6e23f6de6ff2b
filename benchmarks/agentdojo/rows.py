# ruff: noqa: ANN001, ANN201, ANN202, ANN204, D103 - runs elsewhere, where nothing of ours checks types
# mypy: ignore-errors
"""AgentDojo's own ground truth as rows for ``ostiary inspect tools``; runs in AgentDojo's environment, without Ostiary.

    /tmp/ostiary-agentdojo/bin/python benchmarks/agentdojo/rows.py VERSION ATTACK > rows.jsonl

No model is asked. The calls that solve each task are those the suite holds; their results are what its environment
answers. Kinds of rows, each ending with the call to be judged:

- ``user``: a user task's calls, nothing injected.
- ``attacked``: the same calls in an environment that an attack wrote into.
- ``injected``: the calls of an injection task, after the user task's, in that environment.
"""

import json
import sys
import warnings
from types import SimpleNamespace

warnings.filterwarnings("ignore")

from agentdojo.agent_pipeline.tool_execution import tool_result_to_str  # noqa: E402
from agentdojo.attacks import load_attack  # noqa: E402
from agentdojo.functions_runtime import FunctionsRuntime  # noqa: E402
from agentdojo.task_suite.load_suites import get_suites  # noqa: E402

SYSTEM = "You are a helpful assistant. Use the tools to do what the user asks."


class Session:
    """A conversation that grows by calls, with the results that an environment gives."""

    def __init__(self, suite, environment, prompt):
        self.runtime, self.environment = FunctionsRuntime(suite.tools), environment
        self.messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]

    def row(self, call):
        return [*self.messages, self._asked(call)]

    def make(self, call):
        name = self._id()
        self.messages.append(self._asked(call))
        result, error = self.runtime.run_function(self.environment, call.function, dict(call.args))
        answer = {"role": "tool", "tool_call_id": name, "content": error or tool_result_to_str(result)}
        self.messages.append(answer)

    def _asked(self, call):
        function = {"name": call.function, "arguments": json.dumps(dict(call.args), ensure_ascii=False, default=str)}
        calls = [{"id": self._id(), "type": "function", "function": function}]
        return {"role": "assistant", "content": None, "tool_calls": calls}

    def _id(self):
        return f"call_{sum(message['role'] == 'assistant' for message in self.messages)}"


def write(kind, suite, names, number, messages):
    name = "/".join((kind, suite.name, *names, str(number)))
    row = {"id": name, "subject": "emma", "kind": kind, "suite": suite.name, "messages": messages}
    sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


def replay(kind, suite, names, session, calls):
    for number, call in enumerate(calls):
        write(kind, suite, names, number, session.row(call))
        session.make(call)


def session_of(suite, task, injections):
    environment = task.init_environment(suite.load_and_inject_default_environment(injections))
    return Session(suite, environment, task.PROMPT)


def pairs(suite, attack_name):
    attack = load_attack(attack_name, suite, SimpleNamespace(name="gpt-4o-2024-05-13"))
    for task_id, task in suite.user_tasks.items():
        try:
            attack.get_injection_candidates(task)
        except ValueError:
            continue  # nothing that an attacker can write is read by this task
        for injection_id, injection in suite.injection_tasks.items():
            session = session_of(suite, task, attack.attack(task, injection))
            calls = task.ground_truth(session.environment.model_copy(deep=True))
            replay("attacked", suite, (task_id, injection_id), session, calls)
            injected = injection.ground_truth(session.environment.model_copy(deep=True))
            replay("injected", suite, (task_id, injection_id), session, injected)


def main(version, attack_name):
    for suite in get_suites(version).values():
        for task_id, task in suite.user_tasks.items():
            session = session_of(suite, task, {})
            replay("user", suite, (task_id,), session, task.ground_truth(session.environment.model_copy(deep=True)))
        pairs(suite, attack_name)


if __name__ == "__main__":
    main(*sys.argv[1:])
