/** Entry of the thread that hears FFmpeg's log; see ffmpeg-log.ts. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { AVLogLevel } from 'node-av/constants';
import type { Log as NativeLog } from 'node-av/lib';
import { clearTimeout, nextTurn, performance, setInterval, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { createRequire } from '../../errors/node-require.js';
import { isOwnWords, type Line, LogLines } from './lines.js';
import {
  ANSWER_BYTES,
  ANSWERED,
  ASKED,
  COUNT,
  DEAF,
  FREE,
  HEARING,
  LOADED,
  NAMES,
  nameAt,
  QUESTIONS,
  questionAt,
  questionText,
  readName,
  SET,
  STARTING,
  STATE,
  STOP,
  STOPPED,
  writeAnswer,
} from './memory.js';
import { BEGIN, Recordings } from './recordings.js';
import type { LogThreadData } from './start.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

/** FFmpeg's numbers, which are multiples of eight: what is above one is the number of a context. */
const STEP = 8;
const INFO = 32;
/** A line that waits for its end is shown after so many ms. */
const WAIT = 20;

const { memory, addon } = workerData as LogThreadData;
const shared = new Int32Array(memory);
const questions = new Map(Array.from({ length: QUESTIONS }, (_, index) => [questionText(shared, index), index]));
const lines = new LogLines();
const recordings = new Recordings();
let heard = 0;

// The callback does not keep the thread alive, and must not be left behind by it.
setInterval(() => {}, 2 ** 30);
let Log: typeof NativeLog;
try {
  Log = loadLog();
  void whenStopped();
  // FFmpeg writes such levels to stderr by itself, and goes on to do so.
  if (Log.getLevel() > INFO + 1) Atomics.store(shared, STATE, DEAF);
  else {
    Log.setCallback(
      (level, text) => {
        heard++;
        const index = questions.get(text);
        if (index === undefined) hear(level, text);
        else answer(index);
      },
      { maxLevel: (INFO + STEP - 1) as AVLogLevel },
    );
    if (Atomics.compareExchange(shared, STATE, STARTING, HEARING) !== STARTING) Log.resetCallback();
  }
} catch (error) {
  Atomics.store(shared, STATE, DEAF);
  throw error;
} finally {
  Atomics.notify(shared, STATE);
  Atomics.store(shared, LOADED, 1);
  Atomics.notify(shared, LOADED);
}

/** All of node-av would take ten times as long to load. */
function loadLog(): typeof NativeLog {
  const loaded = createRequire(import.meta.url)(addon ?? 'node-av/lib') as { Log: typeof NativeLog };
  return loaded.Log;
}

function hear(level: number, text: string): void {
  if (level === INFO && recordings.take(text, performance.now())) return;
  const context = level % STEP;
  const line: Line = { number: (Atomics.load(shared, COUNT) + 1) | 0, level: level - context, context, text };
  lines.add(line);
  Atomics.store(shared, COUNT, line.number);
  if (line.level <= Log.getLevel()) print(line);
}

function answer(index: number): void {
  const at = questionAt(index);
  if (Atomics.load(shared, at) === ASKED) {
    writeAnswer(shared, index, answerTo(Atomics.load(shared, at + 2), Atomics.load(shared, at + 1)));
    if (Atomics.compareExchange(shared, at, ASKED, ANSWERED) === ASKED) {
      Atomics.notify(shared, at);
      return;
    }
  }
  Atomics.store(shared, at, FREE);
}

function answerTo(context: number, since: number): string {
  if (context < 0) {
    return since === BEGIN ? recordings.begin(context, performance.now()) : recordings.read(context, since);
  }
  const found = lines.take(context, since);
  let text = JSON.stringify(found);
  while (Buffer.byteLength(text) > ANSWER_BYTES) text = JSON.stringify(found.splice(1));
  return text;
}

// --- what `loglevel` asks for on stderr -----------------------------------------------------------------------------------

/** FFmpeg gives some lines in pieces, and the ends of lines do not come through. */
let piece = '';
let timer: Timer | undefined;

function print({ context, text }: Line): void {
  if (isOwnWords(text)) return;
  const goesOn = piece !== '' && (/^[\s\]\b,]/.test(text) || /[ [:=]$/.test(piece));
  if (!goesOn) {
    flush();
    const named = context > 0 && context <= NAMES && Atomics.load(shared, nameAt(context - 1)) === SET;
    if (named) piece = `[${readName(shared, context - 1).replace(/^\w+ /, '')}] `;
  }
  piece += text;
  timer ??= setTimeout(flush, WAIT);
}

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const text = piece.replace(/.[\b]/g, '').trimEnd();
  piece = '';
  if (text === '') return;
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody reads stderr, or not fast enough: there is nowhere to say so.
  }
}

// --- the end ----------------------------------------------------------------------------------------------------------------

/** The callback is gone and nothing new is queued: when a whole turn of the loop brings nothing more, that was all. */
async function whenStopped(): Promise<void> {
  const stopped = Atomics.waitAsync(shared, STOP, 0);
  if (stopped.async) await stopped.value;
  for (let before = -1; before !== heard; ) {
    before = heard;
    for (let turn = 0; turn < 3; turn++) await nextTurn();
  }
  flush();
  Atomics.store(shared, STOPPED, 1);
  Atomics.notify(shared, STOPPED);
}
