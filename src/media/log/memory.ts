/**
 * What the threads of a process and the thread that hears FFmpeg's log (thread.ts) share.
 *
 *   words (Int32)
 *     0  MAGIC    layout of this memory
 *     1  STATE    STARTING, HEARING, or DEAF: FFmpeg's lines go to stderr or nowhere, nobody waits for any
 *     2  COUNT    number of the last line that was heard, modulo 2^32: compare by subtraction
 *     3  STOP     1: the process ends, the log is closed
 *     4  STOPPED  1: the thread has heard all there was and sleeps for good
 *     5  TOKEN    random; part of every question, so that no line of FFmpeg is taken for one
 *     6  LOCK     ticket of the thread that makes a call alone; 0: none
 *     7  TICKETS  number of the last ticket
 *     8  LOADED   1: the thread loads nothing any more, whether it hears or not
 *     9  MISSES   questions in a row, of any thread, to which nobody has answered
 *   name i, 64 bytes at 64 * (i + 1): what a codec context is called in the log
 *     0  STATE    FREE, TAKEN (being written), SET
 *     1  LENGTH   bytes of the text that follows
 *   question i, 4096 bytes from 1024 on: a thread asks what FFmpeg has said to it
 *     0  STATE    FREE, ASKED, ANSWERED, or GIVEN_UP by the asking thread
 *     1  SINCE    only lines after this one
 *     2  CONTEXT  only lines of this context; negative: the number of a recording (recording.ts)
 *     3  LENGTH   bytes of the answer that follows, JSON
 */
export const MAGIC = 0x6d6c0001;
export const [AT_MAGIC, STATE, COUNT, STOP, STOPPED, TOKEN, LOCK, TICKETS, LOADED, MISSES] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
] as const;
export const [STARTING, HEARING, DEAF] = [0, 1, 2] as const;
export const [FREE, TAKEN, SET] = [0, 1, 2] as const;
export const [ASKED, ANSWERED, GIVEN_UP] = [1, 2, 3] as const;

/** Contexts with a name of their own; see `contextOf`. */
export const NAMES = 6;
const NAME_BYTES = 64;
const NAMES_END = 1024;
export const QUESTIONS = 16;
const QUESTION_BYTES = 4096;
export const BYTES = NAMES_END + QUESTIONS * QUESTION_BYTES;
const TEXT_BEGINS = { name: 8, question: 16 } as const;

export const nameAt = (index: number): number => (NAME_BYTES * (index + 1)) / 4;
export const questionAt = (index: number): number => (NAMES_END + QUESTION_BYTES * index) / 4;

/** Bytes that an answer may have. */
export const ANSWER_BYTES = QUESTION_BYTES - TEXT_BEGINS.question;
const NAME_TEXT_BYTES = NAME_BYTES - TEXT_BEGINS.name;

/** A text stands behind the words of its entry, its length in the last of them. */
function writeText(words: Int32Array, at: number, begins: number, most: number, text: string): void {
  const bytes = new TextEncoder().encode(text).subarray(0, most);
  new Uint8Array(words.buffer, at * 4 + begins, most).set(bytes);
  Atomics.store(words, at + begins / 4 - 1, bytes.length);
}

function readText(words: Int32Array, at: number, begins: number): string {
  const length = Atomics.load(words, at + begins / 4 - 1);
  return Buffer.from(new Uint8Array(words.buffer, at * 4 + begins, length)).toString();
}

export function writeName(words: Int32Array, index: number, name: string): void {
  writeText(words, nameAt(index), TEXT_BEGINS.name, NAME_TEXT_BYTES, name);
}

export function readName(words: Int32Array, index: number): string {
  return readText(words, nameAt(index), TEXT_BEGINS.name);
}

export function writeAnswer(words: Int32Array, index: number, answer: string): void {
  writeText(words, questionAt(index), TEXT_BEGINS.question, ANSWER_BYTES, answer);
}

export function readAnswer(words: Int32Array, index: number): string {
  return readText(words, questionAt(index), TEXT_BEGINS.question);
}

/** What a thread writes into FFmpeg's log to ask: it comes behind everything FFmpeg has said to that thread. */
export function questionText(words: Int32Array, index: number): string {
  return `\u0001millrace ${words[TOKEN]} ${index}`;
}
