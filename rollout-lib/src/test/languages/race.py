"""Claims every id, and prints those that it won. An error is an error, never "lost"."""
import sys
sys.path.insert(0, "/clients")
from rollout import Rollout

rollout = Rollout()
ids, first = int(sys.argv[1]), int(sys.argv[2])
for n in range(ids):
    i = (first + n) % ids
    status, detail = rollout.claim(f"event:{i}")
    if status == "CLAIMED":
        print(f"event:{i}", flush=True)
    elif status != "LOST":
        sys.exit(f"{status}: {detail}")
