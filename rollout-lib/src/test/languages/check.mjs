import { FOREVER, Rollout, effectKey } from '/clients/rollout.mjs';

const rollout = new Rollout();
console.log(rollout.role);
const odd = 'it\'s "odd"; -- \u00e9\n%';
const { won } = rollout.claim(odd, 60_000);
console.log('CLAIMED', Number(won[2]));
rollout.leaseUntil(won, 0);
console.log('CLAIMED', Number(rollout.claim(odd, 60_000).won[2]));
console.log(rollout.leaseUntil(won, FOREVER) ? 'held' : 'stale');
console.log(rollout.claim('taken').lost ? 'LOST' : 'not lost');
console.log(effectKey('create:1#r\u00e9ponse'));
rollout.ready();
let seen = 'STANDBY';
const timer = setInterval(() => {
  if (rollout.role === seen) return;
  seen = rollout.role;
  console.log(seen);
  if (seen === 'STOPPED') {
    console.log(rollout.claim('late').fenced ? 'FENCED' : 'not fenced');
    clearInterval(timer);
  }
}, 10);
