"""A bot that knows nothing of files and SQL: it asks the sidecar beside it, over HTTP."""
import http.client, json, os, socket, threading, time
from collections import deque

lock, kept, role = threading.Lock(), deque(), "STARTING"  # events of the last 30 s, while another instance answers


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
            print(role, "->", now)
            role = now
            answer_kept()


def answer_kept():
    with lock:
        while role == "ACTIVE" and kept:
            number = kept.popleft()[1]
            if claims.ask("POST", f"/claims/event%3A{number}")[0] in (200, 503):
                connection.sendall(f"ANSWER {number}\n".encode())


claims = Sidecar()
threading.Thread(target=follow_role, daemon=True).start()
while True:
    try:
        connection = socket.create_connection((os.environ.get("GATEWAY_HOST", "gateway"), 7000))
        connection.sendall(f"HELLO {os.environ.get('ROLLOUT_INSTANCE', 'laptop')}\n".encode())
        Sidecar().ask("PUT", "/components/session", "ready")
        for line in connection.makefile():
            with lock:
                kept.append((time.monotonic(), int(line.split()[1])))
                while time.monotonic() - kept[0][0] > 30:
                    kept.popleft()
            answer_kept()
    except OSError as e:
        print("the gateway is away:", e)
    Sidecar().ask("PUT", "/components/session", "down not connected")
    time.sleep(0.2)
