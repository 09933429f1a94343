/** The text of a script, made of that of its module. */

/** Where in a module's file the script is, and what stands around it. Written by the build. */
export interface Place {
  /** Name of the file, which lies beside this one. */
  readonly file: string;
  /** Bytes of that file. */
  readonly size: number;
  /** So many letters of the file are the script's: what is behind them are the exports. */
  readonly length: number;
  /** Offsets of what a module has and a script has not: what stands there instead, as long as that, or how many letters are left out. */
  readonly edits: readonly (readonly [number, string | number])[];
  readonly head: string;
  readonly tail: string;
}

export function scriptText({ length, edits, head, tail }: Place, text: string): string {
  let script = head;
  let at = 0;
  for (const [offset, change] of edits) {
    script += text.slice(at, offset);
    at = offset + (typeof change === 'string' ? change.length : change);
    script += typeof change === 'string' ? change : text.slice(offset, at).replaceAll(/[^\n]/g, ' ');
  }
  return script + text.slice(at, length) + tail;
}
