/**
 * What FFmpeg writes into its log within one call, word for word: `av_dump_format` tells there what node-av has no words
 * for. The thread that hears the log records it (recordings.ts): the beginning and the end are questions, which come in the
 * order of the lines. Lines of other threads that come in between are recorded as well; so two recordings at once spoil
 * each other and say so, and whoever reads one compares it with a second one.
 */
import { alone, askedInLog } from './ffmpeg-log.js';
import { ANSWER_BYTES } from './memory.js';
import { BEGIN, type RecordingNumber } from './recordings.js';

const TRIES = 5;

/**
 * The pieces that FFmpeg logged at level 'info' within a call, which are not shown; undefined if the log is not heard
 * (a level of more than 'info', a thread that was there before the package), or others never were quiet.
 */
export function recorded(call: () => void): readonly string[] | undefined {
  for (let i = 0; i < TRIES; i++) {
    const texts = alone(() => record(call));
    if (texts !== 'spoilt') return texts;
  }
  return undefined;
}

function record(call: () => void): readonly string[] | undefined | 'spoilt' {
  const number: RecordingNumber = -1 - Math.floor(Math.random() * (2 ** 31 - 1));
  if (askedInLog(number, BEGIN) === undefined) return undefined;
  call();
  let text = '';
  for (;;) {
    const part = askedInLog(number, text.length);
    if (part === undefined) return undefined;
    text += part;
    if (part.length < ANSWER_BYTES) break;
  }
  return (JSON.parse(text) as string[] | null) ?? 'spoilt';
}
