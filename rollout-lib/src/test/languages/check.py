import sys, time
sys.path.insert(0, "/clients")
from rollout import FOREVER, Rollout, effect_key

rollout = Rollout()
print(rollout.role, flush=True)
odd = "it's \"odd\"; -- \u00e9\n%"
status, token = rollout.claim(odd, 60_000)
print(status, token[2])
rollout.lease_until(token, 0)
status, again = rollout.claim(odd, 60_000)
print(status, again[2])
print("held" if rollout.lease_until(token, FOREVER) else "stale")
print(rollout.claim("taken")[0])
print(effect_key("create:1#r\u00e9ponse"), flush=True)
rollout.ready()
seen = "STANDBY"
while seen != "STOPPED":
    if rollout.role != seen:
        seen = rollout.role
        print(seen, flush=True)
    time.sleep(0.01)
print(rollout.claim("late")[0])
