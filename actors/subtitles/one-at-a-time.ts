/** For forms that show one subtitle at a time: those that are shown together become one with all of their texts. */
import { eventOfSubtitle, Subtitle, writeEvent } from '../../src/media/index.js';

export class OneAtATime {
  /** What is shown, in the order in which it came. */
  #shown: Subtitle[] = [];

  /** @returns what is to be shown one after the other, up to the beginning of this one and with it. */
  push(next: Subtitle): Subtitle[] {
    // One that does not say when it ends is over when the next one begins.
    if (next.end === next.start) return [...this.finish(), next];
    const before = this.#until(next.start);
    this.#shown = [...this.#shown.filter(({ end }) => end > next.start), next];
    return [...before, this.#together(next.start)];
  }

  /** @returns what is left to be shown. */
  finish(): Subtitle[] {
    const rest = this.#until(Number.POSITIVE_INFINITY);
    this.#shown = [];
    return rest;
  }

  /** What goes on when another one ends, up to a time. */
  #until(time: number): Subtitle[] {
    const found: Subtitle[] = [];
    for (;;) {
      const first = Math.min(...this.#shown.map(({ end }) => end));
      if (first >= time) return found;
      this.#shown = this.#shown.filter(({ end }) => end > first);
      if (this.#shown.length === 0) return found;
      found.push(this.#together(first));
    }
  }

  #together(start: number): Subtitle {
    const [one, ...others] = this.#shown as [Subtitle, ...Subtitle[]];
    const end = Math.min(...this.#shown.map((each) => each.end));
    if (others.length === 0) return one.start === start ? one : one.with({ start, end });
    const event = eventOfSubtitle(one);
    const texts = others.map(eventOfSubtitle).map(({ style, text }) => `\\N{\\r${style}}${text}`);
    return new Subtitle({
      start,
      end,
      ass: writeEvent({ ...event, text: event.text + texts.join('') }),
      header: one.header,
    });
  }
}
