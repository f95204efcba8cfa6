# The contract of roles and claims (rollout-lib/CONTRACT.md) for POSIX sh, on one sqlite3 command that runs beside.
#   . ./rollout.sh; rollout_join; rollout_claim create:1 && echo mine
# Without an agent (no ROLLOUT_INSTANCE): active for ever, and every claim is won.

rollout_now="CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
rollout_forever=9223372036854775807

rollout_quote() { # sets $quoted: the text as SQL has it
  quoted= rest=$1
  while case $rest in *\'*) true ;; *) false ;; esac do
    quoted="$quoted${rest%%\'*}''" rest=${rest#*\'}
  done
  quoted="'$quoted$rest'"
}

rollout_open() {
  [ -z "${rollout_pid:-}" ] || { kill "$rollout_pid" && exec 8>&- 9<&-; } 2>/dev/null
  rollout_pipes=$(mktemp -d) && mkfifo "$rollout_pipes/in" "$rollout_pipes/out" || return 1
  sqlite3 -batch "file:$ROLLOUT_DIR/claims.db?mode=rw" <"$rollout_pipes/in" >"$rollout_pipes/out" 2>&1 &
  rollout_pid=$!
  exec 8>"$rollout_pipes/in" 9<"$rollout_pipes/out"
  rm -r "$rollout_pipes"
  rollout_inode=$(stat -c %i "$ROLLOUT_DIR/claims.db" 2>/dev/null)
  rollout_answer ".timeout 10000
PRAGMA synchronous = OFF" || return 1
  rollout_answer "SELECT group_concat(v, ' ') FROM (SELECT v FROM meta WHERE k IN ('boot', 'inode') ORDER BY k)" || return 1
  [ "$answer" = "$(cat /proc/sys/kernel/random/boot_id) $rollout_inode" ] || return 1 # not the agent's own file
  rollout_quote "$ROLLOUT_INSTANCE"
  rollout_answer "INSERT INTO instance(instance_id, scope_id, generation, role, boot_token, client, sqlite, heartbeat_at)
    VALUES($quoted, 1, $ROLLOUT_GENERATION, '$role', hex(randomblob(8)), 'rollout.sh', sqlite_version(), $rollout_now)
    ON CONFLICT(instance_id) DO UPDATE SET boot_token = excluded.boot_token, role = excluded.role, ready = 0,
    in_flight = 0, client = excluded.client, sqlite = excluded.sqlite, heartbeat_at = excluded.heartbeat_at"
}

rollout_answer() { # sets $first and $answer to the first and the last line; fails on an error, and where sqlite3 is gone
  first= answer= failed=0
  printf '%s;\n.print .\n' "$1" 1>&8 2>/dev/null || return 1
  while IFS= read -r line <&9; do
    case $line in
      .) return $failed ;;
      *error*near*line* | Error:*) failed=1 ;;
    esac
    first=${first:-$line} answer=$line
  done
  return 1
}

rollout_ask() { # after an error the file is opened again, twice at most; where it is just being moved, when it is there again
  rollout_answer "$1" && return
  looks=500
  for again in 1 2; do
    sleep 0.01
    while [ -e "$ROLLOUT_DIR/claims.db.old" ] && [ ! -e "$ROLLOUT_DIR/claims.db" ] && [ "$((looks -= 1))" -gt 0 ]; do
      sleep 0.01
    done
    rollout_open && rollout_answer "$1" && return
  done
  return 1
}

rollout_join() {
  role=ACTIVE was_active=0 is_ready=0 in_flight=0 rollout_own=${ROLLOUT_GENERATION:-0}
  rollout_generation=$rollout_own
  [ -n "${ROLLOUT_INSTANCE:-}" ] || return 0
  role=STARTING ROLLOUT_DIR=${ROLLOUT_DIR:-/run/rollout}
  trap '' PIPE # a sqlite3 that is gone is an error, not our end
  rollout_open
  rollout_look
}

rollout_claim() { # ID [LEASE_MS]: sets $claim to CLAIMED, LOST, FENCED or UNAVAILABLE, and $token; true where CLAIMED
  claim=CLAIMED token="generation = $rollout_generation AND attempt = 1"
  [ -n "${ROLLOUT_INSTANCE:-}" ] || return 0
  rollout_quote "$1"
  id=$quoted until=$rollout_forever
  [ -z "${2:-}" ] || until="$rollout_now + $2"
  claim=FREE
  while [ "$claim" = FREE ]; do # it came free between the two statements, where the second says so
    claim=UNAVAILABLE
    rollout_ask "INSERT INTO claim(scope_id, event_id, generation, attempt, claimed_at, lease_until)
      SELECT scope_id, $id, $rollout_generation, 1, $rollout_now, $until FROM scope
      WHERE scope_id = 1 AND min_generation <= $rollout_generation
      ON CONFLICT(scope_id, event_id) DO UPDATE SET generation = excluded.generation, attempt = attempt + 1,
      claimed_at = excluded.claimed_at, lease_until = excluded.lease_until WHERE claim.lease_until < excluded.claimed_at
      RETURNING attempt;
      SELECT CASE WHEN scope.min_generation > $rollout_generation THEN 'FENCED'
      WHEN claim.lease_until > 0 THEN 'LOST' ELSE 'FREE' END FROM scope
      LEFT JOIN claim ON claim.scope_id = scope.scope_id AND claim.event_id = $id WHERE scope.scope_id = 1" || return 1
    claim=$first
  done
  case $claim in
    FENCED | LOST) return 1 ;;
  esac
  token="event_id = $id AND generation = $rollout_generation AND attempt = $claim" claim=CLAIMED
}

rollout_lease_until() { # TOKEN UNTIL: "$rollout_now + MS" renews, $rollout_forever completes, 0 gives it back; false: stale
  [ -n "${ROLLOUT_INSTANCE:-}" ] || return 0
  rollout_ask "UPDATE claim SET lease_until = $2 WHERE scope_id = 1 AND $1; SELECT changes()" && [ "$answer" = 1 ]
}

rollout_others_won() { # LATELY_MS: whether another instance has won an event lately, or is just taking over
  [ -n "${ROLLOUT_INSTANCE:-}" ] && rollout_ask "SELECT EXISTS(SELECT 1 FROM claim WHERE scope_id = 1
    AND claimed_at >= $rollout_now - $1 AND generation <> $rollout_generation) OR EXISTS(SELECT 1 FROM scope
    JOIN instance ON instance_id = active_instance WHERE scope.scope_id = 1 AND role <> 'ACTIVE')" && [ "$answer" = 1 ]
}

rollout_look() { # sets $role by the rows; call it every 100 ms. Without rows, the role stays what it was
  [ -n "${ROLLOUT_INSTANCE:-}" ] || return 0
  [ "$rollout_inode" = "$(stat -c %i "$ROLLOUT_DIR/claims.db" 2>/dev/null)" ] || rollout_open
  rollout_quote "$ROLLOUT_INSTANCE"
  rollout_ask "SELECT max(generation, $rollout_own) || ' ' || CASE WHEN active_instance = $quoted THEN 'ACTIVE'
    WHEN $rollout_own < min_generation THEN 'STOPPED'
    WHEN mode = 'competing' THEN iif(EXISTS(SELECT 1 FROM meta WHERE k = 'drain:' || $quoted), 'DRAINING', 'ACTIVE')
    WHEN $was_active OR $rollout_own < generation THEN 'DRAINING' ELSE 'STANDBY' END FROM scope WHERE scope_id = 1" || return 1
  role=${answer#* } rollout_generation=$rollout_own
  [ "$role" != ACTIVE ] || was_active=1 rollout_generation=${answer% *}
  rollout_ask "UPDATE instance SET role = '$role', ready = $is_ready, in_flight = $in_flight, heartbeat_at = $rollout_now
    WHERE instance_id = $quoted AND (role <> '$role' OR ready <> $is_ready OR in_flight <> $in_flight OR heartbeat_at < $rollout_now - 1000)"
}

rollout_effect_key() { printf %s "$1" | sha256sum | cut -c1-24; }
