// A bot in Node.js: connects to the gateway, and answers every event that it wins. Run it with: node bot.mjs
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { Rollout } from './rollout.mjs';

const kept = []; // events of the last 30 s, while another instance answers
let connection;

function handle(number) {
  const claim = rollout.claim(`event:${number}`);
  if (claim.won || (claim.unavailable && rollout.role === 'ACTIVE')) connection.write(`ANSWER ${number}\n`);
  return claim;
}

function drainKept() {
  while (rollout?.role === 'ACTIVE' && kept.length) handle(kept.shift().number);
}

/** What only this instance has seen is its own, until it gets an event that the other has, or no more come. */
function settle(quiet) {
  let settled = rollout.role !== 'DRAINING';
  while (!settled && kept.length && Date.now() - kept[0].at > 200) { // the other's head start
    const claim = handle(kept.shift().number);
    settled = Boolean(claim.lost || claim.fenced);
    quiet = Date.now();
  }
  if (kept.length || !rollout.isReady) quiet = Date.now();
  else if (Date.now() - quiet > 1000) {
    settled ||= !rollout.othersWon(1000);
    quiet = Date.now(); // else there were events, and none came here: it is behind
  }
  if (settled) rollout.inFlight = 0;
  else setTimeout(settle, 10, quiet);
}

const rollout = new Rollout((old, role) => {
  console.log(old, '->', role);
  if (role === 'ACTIVE') rollout.inFlight = 1; // until it has settled: it must not be stopped before
  else if (old === 'ACTIVE') setTimeout(settle, 10, Date.now());
  setImmediate(drainKept);
});

function connect() {
  connection = createConnection(7000, process.env.GATEWAY_HOST ?? 'gateway', () => {
    connection.write(`HELLO ${process.env.ROLLOUT_INSTANCE ?? 'laptop'}\n`);
    rollout.ready();
  });
  createInterface(connection).on('line', (line) => {
    kept.push({ at: Date.now(), number: line.split(' ')[1] });
    while (Date.now() - kept[0].at > 30_000) kept.shift();
    drainKept();
  }).on('error', () => {});
  connection.on('error', (e) => console.log('the gateway is away:', e.message));
  connection.on('close', () => {
    rollout.ready(0);
    setTimeout(connect, 200);
  });
}

process.on('SIGTERM', () => process.exit(0));
connect();
