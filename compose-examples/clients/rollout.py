"""The contract of roles and claims (rollout-lib/CONTRACT.md) for Python, on the standard library's sqlite3."""
import hashlib, json, os, sqlite3, threading, time

FOREVER = 2**63 - 1
CLAIM = """INSERT INTO claim(scope_id, event_id, generation, attempt, claimed_at, lease_until)
  SELECT scope_id, ?1, ?2, 1, ?3, ?4 FROM scope WHERE scope_id = 1 AND min_generation <= ?2
  ON CONFLICT(scope_id, event_id) DO UPDATE SET generation = excluded.generation, attempt = attempt + 1,
    claimed_at = excluded.claimed_at, lease_until = excluded.lease_until WHERE claim.lease_until < excluded.claimed_at
  RETURNING attempt"""
WHY_NOT = """SELECT scope.min_generation > ?2, claim.lease_until FROM scope LEFT JOIN claim
  ON claim.scope_id = scope.scope_id AND claim.event_id = ?1 WHERE scope.scope_id = 1"""
LEASE = "UPDATE claim SET lease_until = ?1 WHERE scope_id = 1 AND event_id = ?2 AND generation = ?3 AND attempt = ?4"
JOIN = """INSERT INTO instance(instance_id, scope_id, generation, role, boot_token, client, sqlite, heartbeat_at)
  VALUES(?1, 1, ?2, ?3, hex(randomblob(8)), 'rollout.py', sqlite_version(), ?4) ON CONFLICT(instance_id) DO UPDATE SET
  boot_token = excluded.boot_token, role = excluded.role, ready = 0, in_flight = 0, client = excluded.client,
  sqlite = excluded.sqlite, heartbeat_at = excluded.heartbeat_at"""
ROWS = """SELECT mode, active_instance, generation, min_generation, EXISTS(SELECT 1 FROM meta WHERE k = 'drain:' || ?1)
  FROM scope WHERE scope_id = 1"""
OTHERS = """SELECT EXISTS(SELECT 1 FROM claim WHERE scope_id = 1 AND claimed_at >= ? AND generation <> ?) OR
  EXISTS(SELECT 1 FROM scope JOIN instance ON instance_id = active_instance WHERE scope.scope_id = 1 AND role <> 'ACTIVE')"""
REPORT = "UPDATE instance SET role = ?, ready = ?, in_flight = ?, heartbeat_at = ? WHERE instance_id = ?"


def now():
    return int(time.time() * 1000)


def effect_key(effect):
    return hashlib.sha256(effect.encode()).hexdigest()[:24]


def inode_at(path):
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


class Rollout:
    """Thread safe. Without an agent (no ROLLOUT_INSTANCE): active for ever, and every claim is won."""

    def __init__(self, on_role=lambda old, new: None, env=os.environ):
        self.instance, self.alone = env.get("ROLLOUT_INSTANCE"), not env.get("ROLLOUT_INSTANCE")
        self.generation = self.own = int(env.get("ROLLOUT_GENERATION", 0))
        self.folder, self.on_role = env.get("ROLLOUT_DIR", "/run/rollout"), on_role
        self.role, self.is_ready, self.in_flight = "ACTIVE" if self.alone else "STARTING", 0, 0
        self.was_active, self.lock, self.db, self.inode = False, threading.RLock(), None, 0
        if not self.alone:
            self._look(report=True)
            threading.Thread(target=self._watch, daemon=True).start()

    def _open(self, path):
        db = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=2, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA synchronous = OFF")
        meta, inode = dict(db.execute("SELECT k, v FROM meta")), os.stat(path).st_ino
        with open("/proc/sys/kernel/random/boot_id") as boot:
            if (meta["boot"], meta["inode"]) != (boot.read().strip(), str(inode)):
                raise sqlite3.OperationalError("claims.db is not the agent's own file under this kernel")
        db.execute(JOIN, (self.instance, self.own, self.role, now()))
        db.execute("PRAGMA busy_timeout = 0")  # from here on _ask waits, in smaller steps
        self.db, self.inode = db, inode

    def _ask(self, sql, *values):
        """Busy, or just being moved, is normal and short. After another error of the file that is there it is opened again, once."""
        path, end, again = self.folder + "/claims.db", time.monotonic() + 5, True
        while True:
            with self.lock:
                try:
                    if self.db is None or self.inode != os.stat(path).st_ino:
                        self.db = None
                        self._open(path)
                    cursor = self.db.execute(sql, values)
                    return cursor.fetchall() if cursor.description else cursor.rowcount
                except (sqlite3.Error, OSError) as e:
                    busy = "locked" in str(e) or os.path.exists(path + ".old") and not os.path.exists(path)
                    replaced = self.db is not None and inode_at(path) not in (0, self.inode)
                    busy = replaced or busy and time.monotonic() < end
                    if not busy and not again:
                        raise
                    if not busy:
                        again, self.db = False, None
            time.sleep(0.00005 if busy else 0.01)

    def claim(self, event_id, lease_ms=None):
        """("CLAIMED", token), ("LOST", milliseconds it is held), ("FENCED", None) or ("UNAVAILABLE", error)."""
        if self.alone:
            return "CLAIMED", (event_id, 0, 1)
        try:
            while True:
                at, generation = now(), self.generation
                won = self._ask(CLAIM, event_id, generation, at, at + lease_ms if lease_ms else FOREVER)
                if won:
                    return "CLAIMED", (event_id, generation, won[0][0])
                fenced, until = self._ask(WHY_NOT, event_id, generation)[0]
                if fenced:
                    return "FENCED", None
                if until:  # else it came free since: ask again
                    return "LOST", until if until == FOREVER else max(0, until - at)
        except (sqlite3.Error, OSError) as e:
            return "UNAVAILABLE", e

    def lease_until(self, token, until):
        """True where the token was not stale: now() + ms renews, FOREVER completes, 0 gives the event back."""
        return self.alone or self._ask(LEASE, until, *token) == 1

    def others_won(self, lately_ms):
        """Whether another instance has won an event lately, or is just taking over."""
        return not self.alone and self._ask(OTHERS, now() - lately_ms, self.generation)[0][0] == 1

    def ready(self, is_ready=1):
        self.is_ready = is_ready
        self.alone or self._look(report=True)

    def _look(self, report):
        try:
            mode, active, generation, fence, told = self._ask(ROWS, self.instance)[0]
        except (sqlite3.Error, OSError):  # without rows, the file on disk tells
            with open(self.folder + "/state/role.json") as file:
                row, told, report = json.load(file), 0, False
            mode, active, generation, fence = row["mode"], row["active"], row["generation"], row["min_generation"]
        mine, old = active == self.instance, self.role
        self.generation = max(generation, self.own) if mine else self.own
        self.role = ("ACTIVE" if mine else "STOPPED" if self.own < fence else
                     ("DRAINING" if told else "ACTIVE") if mode == "competing" else
                     "DRAINING" if self.was_active or self.own < generation else "STANDBY")
        self.was_active |= self.role == "ACTIVE"
        if old != self.role:
            self.on_role(old, self.role)
        if report or old != self.role:
            self._ask(REPORT, self.role, self.is_ready, self.in_flight, now(), self.instance)

    def _watch(self):
        beat = busy = 0
        while True:
            time.sleep(0.1)
            beat, was, busy = beat + 1, busy, self.in_flight > 0
            try:
                self._look(report=beat % 10 == 0 or was != busy)
            except (sqlite3.Error, OSError, ValueError):
                pass  # neither says anything: the role stays what it was
