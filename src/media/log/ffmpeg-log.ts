/**
 * What FFmpeg itself says. Its log is one for the process, and node-av hands a line to a callback with its level and
 * nothing else: no thread, no context. So one thread of the process, which does nothing else, hears the lines
 * (thread.ts), and a thread in which FFmpeg has failed asks it what was said there:
 *
 * - The question is a line of the log as well. FFmpeg calls the callback in the thread that logs, before the failed call
 *   returns, and node-av queues in that order: the answer knows every line of the call. No event loop but that of the
 *   hearing thread takes part, so that the calling thread may be blocked.
 * - Lines of codecs carry their context in the level: FFmpeg's levels are multiples of eight, and `log_level_offset` of a
 *   codec context is added to them. Others are told apart by order: a line belongs to the first who asks behind it, and
 *   only if it came after the call began that failed. The calls that fail most (opening, configuring, a header, a first
 *   frame) are made by one thread at a time, so that another one's failure does not come in between.
 *
 * The callback must never outlive the thread that has set it: FFmpeg would call into freed memory and abort the process.
 * The hearing thread therefore belongs to the main thread, is never ended, and the main thread takes the callback away
 * when the process exits. A thread of the application's own, which may be terminated at any moment, can start none: it
 * uses the one that was there when it was started (it is found in the environment data that threads inherit).
 */

import { AV_LOG_ERROR, AV_LOG_INFO, AV_OPT_SEARCH_CHILDREN, AV_OPT_TYPE_STRING } from 'node-av/constants';
import { type CodecContext, Log } from 'node-av/lib';
import { performance } from '../../../ringbuffer/clock.js';
import {
  ANSWERED,
  ASKED,
  COUNT,
  DEAF,
  FREE,
  GIVEN_UP,
  HEARING,
  LOCK,
  MISSES,
  NAMES,
  nameAt,
  QUESTIONS,
  questionAt,
  questionText,
  readAnswer,
  readName,
  SET,
  STARTING,
  STATE,
  TAKEN,
  TICKETS,
  writeName,
} from './memory.js';
import { deafen, logMemory, startLog } from './start.js';

/**
 * Longest time in ms that the process waits for the thread to be there. It has one file and the loaded addon to take in,
 * which is a matter of 50 ms of work; if it has not come by then, nobody waits for it again.
 */
const START_WITHIN = 2000;
/** Longest time in ms that anybody waits for an answer. */
const ANSWER_WITHIN = 2000;
/** Longest time in ms that a call waits for that of another thread, and for those of all others together. */
const ONE_WITHIN = 200;
const ALL_WITHIN = 400;
/** Nobody answers any more after so many questions in vain: another callback has been set. */
const MANY_MISSES = 2;

/** Lines of no codec: containers, filters, protocols. */
export const NO_CODEC = 0;
/** Lines of codecs beyond those that have a number of their own. */
const ANY_CODEC = NAMES + 1;

/** This thread makes a call alone. */
let isAlone = false;
/** This thread has waited for the log once. */
let waited = false;
/** Number of the last line that was heard when the call began which is under way. */
let began = 0;

/** From more than 'info' on FFmpeg's lines are too many to be handed around: it writes them itself, as it always does. */
function printsItself(): boolean {
  return Log.getLevel() > AV_LOG_INFO + 1;
}

/** The level of messages has changed. */
export function logLevelChanged(): void {
  const shared = logMemory();
  if (shared === undefined || !printsItself()) return;
  if (Atomics.exchange(shared, STATE, DEAF) === HEARING) Log.resetCallback();
}

/** Waits, two seconds at most and once in the process, until the log is heard: before the first calls of a module, which are those that fail most. */
export function awaitLog(): void {
  startLog();
  const shared = logMemory();
  if (shared !== undefined && !waited && Atomics.load(shared, STATE) === STARTING) {
    const outcome = Atomics.wait(shared, STATE, STARTING, START_WITHIN);
    // Errors lack FFmpeg's lines then, and the other threads need not find out for themselves.
    if (outcome === 'timed-out' && Atomics.compareExchange(shared, STATE, STARTING, DEAF) === STARTING) deafen(shared);
    waited = true;
  }
}

/** A call begins in this thread; lines from before are not the reason if it fails. @returns the mark, for `linesOf`. */
export function markLog(): number {
  const shared = logMemory();
  if (shared !== undefined) began = Atomics.load(shared, COUNT);
  return began;
}

/**
 * Makes a call in which FFmpeg may fail while no other thread makes one, so that the lines it leaves are its own; what
 * makes the error of it belongs inside. Nobody waits for ever: a call that takes longer than 200 ms, or whose thread has
 * died in it, loses its place to the next one, and its lines may then be taken for another's.
 */
export function alone<T>(call: () => T): T {
  awaitLog();
  const shared = logMemory();
  if (shared === undefined || isAlone) return call();
  const ticket = (Atomics.add(shared, TICKETS, 1) + 1) | 0 || 1;
  const deadline = performance.now() + ALL_WITHIN;
  for (;;) {
    const other = Atomics.compareExchange(shared, LOCK, 0, ticket);
    if (other === 0) break;
    if (Atomics.wait(shared, LOCK, other, ONE_WITHIN) !== 'timed-out' && performance.now() < deadline) continue;
    if (Atomics.compareExchange(shared, LOCK, other, ticket) === other) break;
    if (performance.now() > deadline) break;
  }
  isAlone = true;
  markLog();
  try {
    return call();
  } finally {
    isAlone = false;
    if (Atomics.compareExchange(shared, LOCK, ticket, 0) === ticket) Atomics.notify(shared, LOCK);
  }
}

/**
 * Gives a codec context that is not yet open a number, by which its lines are known.
 * @param name of the codec, as FFmpeg's log has it.
 * @returns what `linesOf` wants.
 */
export function nameContext(context: CodecContext, use: 'encoder' | 'decoder', name: string): number {
  awaitLog();
  const shared = logMemory();
  if (shared === undefined || Atomics.load(shared, STATE) !== HEARING) return NO_CODEC;
  const number = contextOf(shared, `${use} ${name}`);
  const ret = context.setOption('log_level_offset', String(number), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
  return ret < 0 ? NO_CODEC : number;
}

/** Codecs of one name share their number; the levels have room for six names, all further ones share the last. */
function contextOf(shared: Int32Array, name: string): number {
  for (let index = 0; index < NAMES; index++) {
    const at = nameAt(index);
    if (Atomics.compareExchange(shared, at, FREE, TAKEN) === FREE) {
      writeName(shared, index, name);
      Atomics.store(shared, at, SET);
      Atomics.notify(shared, at);
      return index + 1;
    }
    // Whoever writes it is in the middle of these few lines, or has died in them: then the slot stays without a name.
    if (Atomics.wait(shared, at, TAKEN, START_WITHIN) === 'timed-out') Atomics.compareExchange(shared, at, TAKEN, SET);
    if (readName(shared, index) === name) return index + 1;
  }
  return ANY_CODEC;
}

/**
 * FFmpeg's own reasons for a call that has just failed in this thread, the last one last: lines of level error, else
 * warnings; none if it gave none.
 * @param since mark of the call's beginning; undefined: that of the call under way.
 * @param context from `nameContext`, of the codec that failed.
 */
export function linesOf(context: number, since = began): readonly string[] {
  const answer = askedInLog(context, since);
  markLog();
  return answer === undefined ? [] : (JSON.parse(answer) as string[]);
}

/** Asks the thread that hears; undefined if it does not, or not any more. */
export function askedInLog(context: number, since: number): string | undefined {
  const shared = logMemory();
  if (shared === undefined || Atomics.load(shared, STATE) !== HEARING || Atomics.load(shared, MISSES) >= MANY_MISSES)
    return undefined;
  for (let index = 0; index < QUESTIONS; index++) {
    const at = questionAt(index);
    if (Atomics.compareExchange(shared, at, FREE, ASKED) !== FREE) continue;
    const answer = ask(shared, index, at, since, context);
    if (answer === undefined) Atomics.add(shared, MISSES, 1);
    else Atomics.store(shared, MISSES, 0);
    return answer;
  }
  return undefined;
}

function ask(shared: Int32Array, index: number, at: number, since: number, context: number): string | undefined {
  Atomics.store(shared, at + 1, since);
  Atomics.store(shared, at + 2, context);
  Log.log(AV_LOG_ERROR, questionText(shared, index));
  Atomics.wait(shared, at, ASKED, ANSWER_WITHIN);
  // The thread that hears frees what nobody waits for any more.
  if (Atomics.compareExchange(shared, at, ASKED, GIVEN_UP) !== ANSWERED) return undefined;
  const answer = readAnswer(shared, index);
  Atomics.store(shared, at, FREE);
  return answer;
}
