/**
 * Checks docs/model/ring.pml (the ring and its doorbell), docs/model/host.pml (the loop of a thread) and docs/model/join.pml
 * (how a branch joins a running graph) with spin: what
 * they say must hold in every size below, and every broken variant must be caught. Needs `spin` and a C compiler (Debian: apt-get install spin gcc).
 * Usage: node scripts/model.mjs [--short | --long]
 *   --short  one small size and no broken variants, a few seconds;
 *   --long   larger sizes as well: minutes, and 2 GB of memory.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const modelFile = (name) => fileURLToPath(new URL(`../docs/model/${name}.pml`, import.meta.url));
const RING = modelFile('ring');
const HOST = modelFile('host');
const JOIN = modelFile('join');

/** Sizes in which nothing may be wrong. `cycles`: also that nobody can be busy for ever. */
const SHORT = [{ defines: ['P=2', 'N=2', 'CAP=2'] }];
const GOOD = [
  ...SHORT,
  { defines: ['P=2', 'N=2', 'CAP=1'] },
  { defines: ['P=3', 'N=1', 'CAP=1'] },
  { defines: ['P=2', 'N=1', 'CAP=1', 'ABANDON'] },
  { defines: ['P=2', 'N=1', 'CAP=1', 'POISON'] },
  { defines: ['P=2', 'N=1', 'CAP=1', 'DEATH'] },
  { defines: ['P=1', 'N=3', 'CAP=1', 'ABANDON', 'POISON', 'DEATH'] },
  { defines: ['P=1', 'N=3', 'CAP=2', 'ABANDON', 'POISON', 'DEATH'] },
  { defines: ['P=2', 'N=2', 'CAP=2'], cycles: true },
  { defines: ['P=1', 'N=3', 'CAP=2', 'ABANDON', 'POISON', 'DEATH'], cycles: true },
];
const LARGE = [
  { defines: ['P=2', 'N=3', 'CAP=2'] },
  { defines: ['P=2', 'N=2', 'CAP=1', 'ABANDON'] },
  { defines: ['P=2', 'N=2', 'CAP=2', 'POISON'] },
  { defines: ['P=2', 'N=2', 'CAP=2', 'DEATH'] },
];

/** One broken step each, in a size that shows it. */
const BROKEN = [
  ['NO_RECHECK_RECORDS', 'the consumer does not look again after arming'],
  ['NO_RECHECK_SPACE', 'the producer does not look again after announcing'],
  ['RING_BEFORE_PUBLISH', 'the bell is rung before the record is visible'],
  ['PUBLISH_BEFORE_WRITE', 'the position moves before the record is written'],
  ['RELEASE_BEFORE_READ', 'the place is given back before the record is read'],
  ['WANT_BEFORE_RELEASE', 'the announcement is read before the room is visible'],
  ['TICKET_AFTER_LOOK', 'the ticket is taken after looking'],
  ['NO_ARM', 'the parked flag is not set'],
  ['NO_SEQUENCE', 'ringing does not move the sequence'],
  ['NO_NOTIFY', 'ringing wakes nobody'],
  ['CLEAR_AFTER_SEQUENCE', 'the parked flag is cleared after the sequence moved'],
  ['NO_ANNOUNCEMENT', 'the producer does not announce that it wants room'],
  ['NO_ROOM_CHECK', 'the producer writes without room'],
  ['END_POSITION_FIRST', 'the end is judged by a position read before the state'],
  ['NO_CLOSE', 'closing does not set the state'],
  ['SILENT_CLOSE', 'closing wakes nobody'],
  ['NO_ABANDON', 'leaving does not set the state', 'ABANDON'],
  ['SILENT_ABANDON', 'leaving wakes nobody', 'ABANDON'],
  ['NO_POISON', 'poisoning does not set the state', 'DEATH', 'P=1'],
  ['SILENT_POISON', 'poisoning wakes nobody', 'POISON', 'P=1'],
  ['POLITE_POISON', 'poisoning trusts the parked flag, which a dead ringer had cleared', 'DEATH'],
];

/** The loop of a thread: sizes in which nothing may be wrong, and one broken step each. */
const HOST_SHORT = [{ defines: ['N=3'] }];
const HOST_GOOD = [
  ...HOST_SHORT,
  { defines: ['N=3', 'LIMIT=1'] },
  { defines: ['N=3', 'STOP'] },
  { defines: ['N=3', 'STOP'], cycles: true },
];
const HOST_LARGE = [{ defines: ['N=6', 'LIMIT=2', 'CAP=3', 'STOP'] }];
const HOST_BROKEN = [
  ['NO_NOTE_ARRIVAL', 'a consumer is not noted when a packet arrives'],
  ['NO_NOTE_ROOM', 'a producer is not noted when there is room'],
  ['NO_NOTE_SETTLED', 'who was in a call is not noted when it settles'],
  ['NO_NOTE_AGAIN', 'who has run is not noted again', 'LIMIT=1'],
  ['SILENT_SETTLED', 'a call that settles wakes nobody'],
  ['NO_LAST_LOOK', 'the thread does not look again after it has spun'],
  ['NO_ARM', 'the bell is not armed before the sleep'],
  ['TICKET_AFTER_LOOK', 'the ticket is taken after looking'],
];

/** How a branch joins a running graph. */
const JOIN_SHORT = [{ defines: ['N=2'] }];
const JOIN_GOOD = [...JOIN_SHORT, { defines: ['N=3', 'CAP=2'] }, { defines: ['N=4', 'CAP=1'] }];
const JOIN_LARGE = [{ defines: ['N=8', 'CAP=3'] }];
const JOIN_BROKEN = [
  ['JOIN_BEFORE_GROW', 'a producer is told to join before every thread has made its ends'],
  ['JOIN_ONE', 'the second join waits for what the first has brought'],
  ['NO_LOOK', 'the thread does not look at its links after arming'],
];

const folder = mkdtempSync(join(tmpdir(), 'millrace-model-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function run(command, args, what) {
  const result = spawnSync(command, args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (result.error?.code === 'ENOENT') {
    console.error(`${command} is missing: the model check needs spin and gcc (Debian: apt-get install spin gcc)`);
    process.exit(2);
  }
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${what} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Explores every state; the first error found in words, or undefined, and the number of states. */
function explore(model, defines, cycles = false) {
  run('spin', ['-a', ...defines.map((define) => `-D${define}`), model], 'spin');
  const check = cycles ? '-DNP' : '-DSAFETY';
  // What is checked within a second is not worth a better compilation, nor a large table.
  run('gcc', [short ? '-O0' : '-O2', '-w', check, '-DCOLLAPSE', '-DVECTORSZ=2048', '-o', 'pan', 'pan.c'], 'gcc');
  const table = short ? '-w18' : '-w24';
  const report = run(join(folder, 'pan'), [...(cycles ? ['-l'] : []), '-m1000000', table], 'the verifier');
  const errors = /errors: (\d+)/.exec(report);
  // A search cut short proves nothing, whatever it found.
  if (!errors || /max search depth too small|out of memory|Search not completed.*\n.*resource/.test(report)) {
    throw new Error(`The verifier did not finish:\n${report}`);
  }
  const found = errors[1] === '0' ? undefined : (/^pan:1: (.*)$/m.exec(report)?.[1] ?? 'an error without words');
  return { found, states: Number(/(\S+) states, stored/.exec(report)?.[1]) };
}

const long = process.argv.includes('--long');
const short = process.argv.includes('--short');
let failures = 0;

function expectRight(model, cases, what) {
  for (const { defines, cycles } of cases) {
    const { found, states } = explore(model, defines, cycles);
    if (found) failures++;
    const says = found ? `WRONG: ${found}` : `ok: ${cycles ? 'no endless run' : what}`;
    console.log(`${says}  [${defines.join(' ')}]  ${states} states`);
  }
}

function expectCaught(model, cases, size) {
  for (const [name, words, ...defines] of cases) {
    const { found } = explore(model, [...size(defines), ...defines, `BREAK_${name}`]);
    if (!found) failures++;
    console.log(`${found ? 'caught' : 'NOT CAUGHT'}: ${words}  [${name}]${found ? `  ${found}` : ''}`);
  }
}

expectRight(RING, short ? SHORT : long ? [...GOOD, ...LARGE] : GOOD, 'no lost wake-up, overwrite or early read');
expectRight(
  HOST,
  short ? HOST_SHORT : long ? [...HOST_GOOD, ...HOST_LARGE] : HOST_GOOD,
  'nobody sleeps who could run, and nobody who could is overlooked',
);
expectRight(
  JOIN,
  short ? JOIN_SHORT : long ? [...JOIN_GOOD, ...JOIN_LARGE] : JOIN_GOOD,
  'what is sent on a link that joins is taken, and nobody waits for who ordered it',
);
if (!short) {
  expectCaught(RING, BROKEN, (defines) => (defines.includes('P=1') ? ['N=2', 'CAP=2'] : ['P=2', 'N=2', 'CAP=1']));
  expectCaught(HOST, HOST_BROKEN, () => ['N=3']);
  expectCaught(JOIN, JOIN_BROKEN, () => ['N=2']);
}
if (failures > 0) {
  console.error(`${failures} of the results above are not as they must be`);
  process.exitCode = 1;
}
