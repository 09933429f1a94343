/**
 * Warnings for the report of a run. A graph that serves jobs may run for months: more than anybody will read are counted,
 * not kept.
 */

const MOST = 1000;

export class Warnings {
  private readonly texts: string[] = [];
  private more = 0;

  add(text: string): void {
    if (this.texts.length < MOST) this.texts.push(text);
    else this.more++;
  }

  /** Unless it is there already. */
  addOnce(text: string): void {
    if (!this.texts.includes(text)) this.add(text);
  }

  get list(): string[] {
    return this.more === 0 ? [...this.texts] : [...this.texts, `and ${this.more} more warnings, which were not kept`];
  }
}

/** That a node has failed and ended alone. */
export function droppedText(error: Error, packets: number): string {
  const lost = packets === 0 ? 'no packet' : packets === 1 ? '1 packet' : `${packets} packets`;
  const was = packets > 1 ? 'were' : 'was';
  return `${error.message}. Its branch was dropped (on_error), the graph went on; ${lost} that had reached it ${was} lost`;
}

/** Of a link: packets that might wait on it, before a limit was lifted and after. */
export interface Limits {
  readonly before: number;
  readonly after: number;
}

/** That a limit was lifted (src/thread/board/relief.ts), how far, and how that is not needed. */
export function reliefText(producer: string, consumer: string, input: number, { before, after }: Limits): string {
  return (
    `the limit of the link from ${producer} to ${consumer}[${input}] was lifted: its consumer starved on another input, which ` +
    `comes from the same source. Up to ${after} packets could wait there instead of ${before}; nothing is lost by that. With ` +
    `queueLimit: ${after} for ${consumer} they may from the beginning`
  );
}
