// A bot in Node.js: connects to the gateway, and answers every event that it wins. Run it with: node bot.mjs
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { Rollout } from './rollout.mjs';

const kept = []; // events of the last 30 s, while another instance answers
let connection;

function handle(number) {
  const claim = rollout.claim(`event:${number}`);
  if (claim.won || (claim.unavailable && rollout.role === 'ACTIVE')) connection.write(`ANSWER ${number}\n`);
}

function drainKept() {
  while (rollout?.role === 'ACTIVE' && kept.length) handle(kept.shift().number);
}

const rollout = new Rollout((old, role) => {
  console.log(old, '->', role);
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
