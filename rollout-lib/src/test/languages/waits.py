"""Opens the claims as SQLite does, without a byte read, and waits; what is claimed then says what it met."""
import sqlite3
import sys

claims = sqlite3.connect("/run/rollout/claims.db", isolation_level=None)
print("open", flush=True)
sys.stdin.readline()
try:
    claims.execute("INSERT INTO claim VALUES(1, 'create:1', 2, 1, 0, 0)")
    print("written", flush=True)
except sqlite3.DatabaseError as e:
    print(e, flush=True)
