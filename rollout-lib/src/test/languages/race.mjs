// Claims every id, and prints those that it won. An error is an error, never "lost".
import { writeSync } from 'node:fs';
import { Rollout } from '/clients/rollout.mjs';

const rollout = new Rollout();
const [ids, first] = process.argv.slice(2).map(Number);
for (let n = 0; n < ids; n++) {
  const i = (first + n) % ids;
  const claim = rollout.claim(`event:${i}`);
  if (claim.won) writeSync(1, `event:${i}\n`);
  else if (claim.lost === undefined) throw claim.unavailable ?? new Error('fenced');
}
