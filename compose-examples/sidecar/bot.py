"""A bot that knows nothing of files and SQL: it asks the sidecar beside it, over HTTP."""
import http.client, json, os, socket, threading, time
from collections import deque

lock, kept, role, connected = threading.Lock(), deque(), "STARTING", False  # events of the last 30 s, while another instance answers


class Sidecar(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("127.0.0.1", 9099)

    def ask(self, method, path, body=None):
        self.request(method, path, body)
        answer = self.getresponse()
        return answer.status, json.loads(answer.read())


def follow_role():
    global role
    sidecar = Sidecar()
    while True:
        try:
            now = sidecar.ask("GET", f"/role?not={role}&wait=30s")[1]["role"]
        except (OSError, http.client.HTTPException):
            sidecar = Sidecar()
            time.sleep(0.1)
            continue
        if now != role:
            old, role = role, now
            print(old, "->", now)
            if now == "ACTIVE":
                sidecar.ask("PUT", "/work/turn")  # until it has settled: it must not be stopped before
            elif old == "ACTIVE":
                threading.Thread(target=settle, daemon=True).start()
            answer_kept()


def handle(number):
    status = claims.ask("POST", f"/claims/event%3A{number}")[0]
    if status == 200 or (status == 503 and role == "ACTIVE"):
        connection.sendall(f"ANSWER {number}\n".encode())
    return status


def answer_kept():
    with lock:
        while role == "ACTIVE" and kept:
            handle(kept.popleft()[1])


def settle():
    """What only this instance has seen is its own, until it gets an event that the other has, or no more come."""
    quiet = time.monotonic()
    while role != "ACTIVE":
        with lock:
            if kept and time.monotonic() - kept[0][0] > 0.2:  # the other's head start
                if handle(kept.popleft()[1]) in (409, 410):
                    break
                quiet = time.monotonic()
                continue
            if kept or not connected:
                quiet = time.monotonic()
            elif time.monotonic() - quiet > 1:
                if not claims.ask("GET", "/claims?lately=1s")[1]["othersWon"]:
                    break
                quiet = time.monotonic()  # there were events, and none came here: it is behind
        time.sleep(0.01)
    if role != "ACTIVE":
        Sidecar().ask("DELETE", "/work/turn")


claims = Sidecar()
threading.Thread(target=follow_role, daemon=True).start()
while True:
    try:
        connection = socket.create_connection((os.environ.get("GATEWAY_HOST", "gateway"), 7000))
        connection.sendall(f"HELLO {os.environ.get('ROLLOUT_INSTANCE', 'laptop')}\n".encode())
        Sidecar().ask("PUT", "/components/session", "ready")
        connected = True
        for line in connection.makefile():
            with lock:
                kept.append((time.monotonic(), int(line.split()[1])))
                while time.monotonic() - kept[0][0] > 30:
                    kept.popleft()
            answer_kept()
    except OSError as e:
        print("the gateway is away:", e)
    connected = False
    Sidecar().ask("PUT", "/components/session", "down not connected")
    time.sleep(0.2)
