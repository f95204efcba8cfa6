// The contract of roles and claims (rollout-lib/CONTRACT.md) for Node.js 24, on its built-in node:sqlite.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

export const FOREVER = 9223372036854775807n;
const CLAIM = `INSERT INTO claim(scope_id, event_id, generation, attempt, claimed_at, lease_until)
  SELECT scope_id, ?1, ?2, 1, ?3, ?4 FROM scope WHERE scope_id = 1 AND min_generation <= ?2
  ON CONFLICT(scope_id, event_id) DO UPDATE SET generation = excluded.generation, attempt = attempt + 1,
    claimed_at = excluded.claimed_at, lease_until = excluded.lease_until WHERE claim.lease_until < excluded.claimed_at
  RETURNING attempt`;
const WHY_NOT = `SELECT scope.min_generation > ?2 AS fenced, claim.lease_until AS until FROM scope LEFT JOIN claim
  ON claim.scope_id = scope.scope_id AND claim.event_id = ?1 WHERE scope.scope_id = 1`;
const LEASE = `UPDATE claim SET lease_until = ?1 WHERE scope_id = 1 AND event_id = ?2 AND generation = ?3 AND attempt = ?4`;
const JOIN = `INSERT INTO instance(instance_id, scope_id, generation, role, boot_token, client, sqlite, heartbeat_at)
  VALUES(?1, 1, ?2, ?3, hex(randomblob(8)), 'rollout.mjs', sqlite_version(), ?4) ON CONFLICT(instance_id) DO UPDATE SET
  boot_token = excluded.boot_token, role = excluded.role, ready = 0, in_flight = 0, client = excluded.client,
  sqlite = excluded.sqlite, heartbeat_at = excluded.heartbeat_at`;
const ROWS = `SELECT mode, active_instance AS active, generation, min_generation,
  EXISTS(SELECT 1 FROM meta WHERE k = 'drain:' || ?1) AS told FROM scope WHERE scope_id = 1`;
const OTHERS = `SELECT 1 WHERE EXISTS(SELECT 1 FROM claim WHERE scope_id = 1 AND claimed_at >= ? AND generation <> ?) OR
  EXISTS(SELECT 1 FROM scope JOIN instance ON instance_id = active_instance WHERE scope.scope_id = 1 AND role <> 'ACTIVE')`;
const REPORT = 'UPDATE instance SET role = ?, ready = ?, in_flight = ?, heartbeat_at = ? WHERE instance_id = ?';
const nap = new Int32Array(new SharedArrayBuffer(4));

export const effectKey = (effect) => createHash('sha256').update(effect).digest('hex').slice(0, 24);

/** Without an agent (no ROLLOUT_INSTANCE): active for ever, and every claim is won. */
export class Rollout {
  constructor(onRole = () => {}, env = process.env) {
    this.instance = env.ROLLOUT_INSTANCE;
    this.alone = !this.instance;
    this.generation = this.own = BigInt(env.ROLLOUT_GENERATION ?? 0);
    this.folder = env.ROLLOUT_DIR ?? '/run/rollout';
    Object.assign(this, { onRole, role: this.alone ? 'ACTIVE' : 'STARTING', isReady: 0, inFlight: 0, wasActive: false, beat: 0 });
    if (!this.alone) {
      this.#look(true);
      setInterval(() => this.#watch(), 100).unref();
    }
  }

  #open(path) {
    this.db?.close();
    this.db = undefined;
    const inode = statSync(path).ino; // throws where it is missing, before SQLite would make one
    const db = new DatabaseSync(path, { readBigInts: true, timeout: 2000 });
    db.exec('PRAGMA synchronous = OFF');
    const meta = Object.fromEntries(db.prepare('SELECT k, v FROM meta').all().map((row) => [row.k, row.v]));
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    if (meta.boot !== boot || meta.inode !== String(inode)) throw new Error("claims.db is not the agent's own file under this kernel");
    db.prepare(JOIN).run(this.instance, this.own, this.role, Date.now());
    db.exec('PRAGMA busy_timeout = 0'); // from here on #ask waits, in smaller steps
    Object.assign(this, { db, inode, made: new Map() });
  }

  /** Busy, or just being moved, is normal and short. After another error of the file that is there it is opened again, once. */
  #ask(sql, ...values) {
    const path = `${this.folder}/claims.db`;
    const end = Date.now() + 5000;
    for (let again = true; ; ) {
      try {
        if (!this.db || this.inode !== statSync(path).ino) this.#open(path);
        if (!this.made.has(sql)) this.made.set(sql, this.db.prepare(sql));
        return this.made.get(sql).all(...values);
      } catch (e) {
        const moving = () => existsSync(`${path}.old`) && !existsSync(path);
        const there = statSync(path, { throwIfNoEntry: false })?.ino;
        const replaced = this.db && there && there !== this.inode;
        const busy = replaced || ((e.errcode % 256 === 5 || moving()) && Date.now() < end);
        if (!busy && !again) throw e;
        if (!busy) [again, this.inode] = [false, 0]; // a file that is being replaced is there again in a moment
        Atomics.wait(nap, 0, 0, busy ? 0.05 : 10);
      }
    }
  }

  /** {won: token} | {lost: milliseconds it is held, FOREVER} | {fenced: true} | {unavailable: error} */
  claim(eventId, leaseMs) {
    if (this.alone) return { won: [eventId, 0n, 1n] };
    try {
      for (;;) {
        const [at, generation] = [BigInt(Date.now()), this.generation];
        const [won] = this.#ask(CLAIM, eventId, generation, at, leaseMs ? at + BigInt(leaseMs) : FOREVER);
        if (won) return { won: [eventId, generation, won.attempt] };
        const [{ fenced, until }] = this.#ask(WHY_NOT, eventId, generation);
        if (fenced) return { fenced: true };
        if (until) return { lost: until === FOREVER ? FOREVER : until - at }; // else it came free since: ask again
      }
    } catch (e) {
      return { unavailable: e };
    }
  }

  /** True where the token was not stale: Date.now() + ms renews, FOREVER completes, 0 gives the event back. */
  leaseUntil(token, until) {
    return this.alone || this.#ask(`${LEASE} RETURNING 1`, until, ...token).length === 1;
  }

  /** Whether another instance has won an event lately. */
  othersWon(latelyMs) {
    return !this.alone && this.#ask(OTHERS, Date.now() - latelyMs, this.generation).length > 0;
  }

  ready(isReady = 1) {
    this.isReady = isReady;
    if (!this.alone) this.#look(true);
  }

  #look(report) {
    let row;
    try {
      [row] = this.#ask(ROWS, this.instance);
    } catch {
      row = JSON.parse(readFileSync(`${this.folder}/state/role.json`, 'utf8')); // without rows, the file on disk tells
      report = false;
    }
    const [mine, old, generation] = [row.active === this.instance, this.role, BigInt(row.generation)];
    this.generation = mine && generation > this.own ? generation : this.own;
    const other = row.mode === 'competing' ? (row.told ? 'DRAINING' : 'ACTIVE')
      : this.wasActive || this.own < generation ? 'DRAINING' : 'STANDBY';
    this.role = mine ? 'ACTIVE' : this.own < BigInt(row.min_generation) ? 'STOPPED' : other;
    this.wasActive ||= this.role === 'ACTIVE';
    if (old !== this.role) this.onRole(old, this.role);
    if (report || old !== this.role) this.#ask(REPORT, this.role, this.isReady, this.inFlight, Date.now(), this.instance);
  }

  #watch() {
    const busy = this.inFlight > 0;
    const report = ++this.beat % 10 === 0 || busy !== this.busy;
    this.busy = busy;
    try {
      this.#look(report);
    } catch { /* neither says anything: the role stays what it was */ }
  }
}
