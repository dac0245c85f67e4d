"""What the model's processes leave behind is ended, and nothing else that a container's process 1 gets."""

from __future__ import annotations

import json
import subprocess
import sys

# Adopts what two others leave behind in sessions of their own, of which one is marked as the model's before it runs; ends what
# there is of the model's, and prints which of both are left.
ADOPTS = """
import json, os, subprocess, sys, time
from server.model.worker_process import kill_orphans
from server.operating_system import adopt_orphans, limit_message_queues

LEAVES = '''
import os, sys, time
sys.stdin.readline()
ours, theirs = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.write(theirs, b"1")
        time.sleep(1000)
    os._exit(0)
os.read(ours, 1)
'''

def left(marked):
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    if marked:
        limit_message_queues(process.pid)
    process.stdin.write(b"go\\n")
    process.stdin.flush()
    pid = int(process.stdout.readline())
    process.wait()
    return pid

adopt_orphans()
models, others = left(True), left(False)

def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])

while {parent(models), parent(others)} != {os.getpid()}:
    time.sleep(0.01)
while kill_orphans(0):
    time.sleep(0.01)
print(json.dumps([os.path.exists(f"/proc/{pid}") for pid in (models, others)]))
os.kill(others, 9)
os.waitpid(others, 0)
"""


def test_what_the_model_left_is_killed_and_what_another_left_is_not():
    done = subprocess.run([sys.executable, "-c", ADOPTS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [False, True]
