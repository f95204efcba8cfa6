"""A bot in Python: connects to the gateway, and answers every event that it wins. Run it with: python3 bot.py"""
import os, socket, threading, time
from collections import deque
from rollout import Rollout

lock, kept = threading.Lock(), deque()  # events of the last 30 s, while another instance answers


def handle(number):
    status, _ = rollout.claim(f"event:{number}")
    if status == "CLAIMED" or (status == "UNAVAILABLE" and rollout.role == "ACTIVE"):
        connection.sendall(f"ANSWER {number}\n".encode())
    return status


def drain_kept():
    with lock:
        while rollout.role == "ACTIVE" and kept:
            handle(kept.popleft()[1])


def settle():
    """What only this instance has seen is its own, until it gets an event that the other has, or no more come."""
    quiet = time.monotonic()
    while rollout.role == "DRAINING":
        with lock:
            if kept and time.monotonic() - kept[0][0] > 0.2:  # the other's head start
                if handle(kept.popleft()[1]) in ("LOST", "FENCED"):
                    break
                quiet = time.monotonic()
                continue
            if kept or not rollout.is_ready:
                quiet = time.monotonic()
            elif time.monotonic() - quiet > 1:
                if not rollout.others_won(1000):
                    break
                quiet = time.monotonic()  # there were events, and none came here: it is behind
        time.sleep(0.01)
    rollout.in_flight = 0


def changed(old, new):
    print(old, "->", new, flush=True)
    if new == "ACTIVE":
        rollout.in_flight = 1  # until it has settled: it must not be stopped before
        threading.Thread(target=drain_kept, daemon=True).start()
    elif old == "ACTIVE":
        threading.Thread(target=settle, daemon=True).start()


rollout = Rollout(on_role=changed)
while True:
    try:
        connection = socket.create_connection((os.environ.get("GATEWAY_HOST", "gateway"), 7000))
        connection.sendall(f"HELLO {os.environ.get('ROLLOUT_INSTANCE', 'laptop')}\n".encode())
        rollout.ready()
        for line in connection.makefile():
            with lock:
                kept.append((time.monotonic(), int(line.split()[1])))
                while kept and time.monotonic() - kept[0][0] > 30:
                    kept.popleft()
            drain_kept()
    except OSError as e:
        print("the gateway is away:", e, flush=True)
    rollout.ready(0)
    time.sleep(0.2)
