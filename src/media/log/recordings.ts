/** Recordings of FFmpeg's log, as the thread that hears it keeps them (recording.ts). No threads, no FFmpeg. */
import { ANSWER_BYTES } from './memory.js';

/** In the place of a mark: a recording begins; other numbers from 0 on ask for its text from there. */
export const BEGIN = -1;
/** In the place of a context a recording has its number, negative. */
export type RecordingNumber = number;

/** ms that a recording lasts at most. */
const LASTS = 2000;

export class Recordings {
  readonly #open = new Map<RecordingNumber, { readonly began: number; readonly texts: string[]; spoilt: boolean }>();
  readonly #made = new Map<RecordingNumber, { readonly began: number; readonly text: string }>();

  /** @returns whether the line belongs to a recording. */
  take(text: string, now: number): boolean {
    this.#forget(now);
    for (const { texts } of this.#open.values()) texts.push(text);
    return this.#open.size > 0;
  }

  begin(number: RecordingNumber, now: number): string {
    this.#forget(now);
    this.#open.set(number, { began: now, texts: [], spoilt: false });
    if (this.#open.size > 1) for (const each of this.#open.values()) each.spoilt = true;
    return '';
  }

  /** The text from there on, as much as fits; JSON of ASCII alone, so that a character is a byte. */
  read(number: RecordingNumber, from: number): string {
    const open = this.#open.get(number);
    if (open) {
      this.#open.delete(number);
      const json = JSON.stringify(open.spoilt ? null : open.texts);
      const text = json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
      this.#made.set(number, { began: open.began, text });
    }
    const part = (this.#made.get(number)?.text ?? 'null').slice(from, from + ANSWER_BYTES);
    if (part.length < ANSWER_BYTES) this.#made.delete(number);
    return part;
  }

  /** Whoever has begun one may have died. */
  #forget(now: number): void {
    for (const map of [this.#open, this.#made]) {
      for (const [number, { began }] of map) if (now - began > LASTS) map.delete(number);
    }
  }
}
