import subprocess
import sys

CODE = """
import gc, sys
from ostiary.server.tuning import TURN_S, YOUNG, tune
before = gc.get_freeze_count()
held = [[number] for number in range(10_000)]
tune()
print(gc.get_freeze_count() - before >= 10_000, gc.get_threshold()[0] == YOUNG, sys.getswitchinterval() == TURN_S)
"""


def test_what_lives_when_serving_begins_is_never_walked_again():
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["True", "True", "True"]
