/** The links of a graph that is being built. An input has one link at most, and one that was fed keeps its number for good. */
import { MillraceError } from '../../../errors/errors.js';
import type { LinkSpec } from '../../../scheduler/plan/spec.js';

export class Links {
  readonly all: LinkSpec[] = [];
  /** By node: the highest number of an input that is fed no more. */
  private readonly highest = new Map<number, number>();

  /**
   * The number of a further input of a node.
   * @param asked default: the next one that was never fed.
   * @throws MillraceError ERR_MILLRACE_CONFIG for one that there is already.
   */
  inputOf(id: number, alias: string, asked?: number): number {
    const used = this.all.filter(({ to }) => to.node === id).map(({ to }) => to.input);
    const input = asked ?? Math.max(-1, this.highest.get(id) ?? -1, ...used) + 1;
    if (Number.isInteger(input) && input >= 0 && !used.includes(input)) return input;
    throw new MillraceError('ERR_MILLRACE_CONFIG', `input ${input} of "${alias}" cannot be connected`, {
      hint: used.includes(input) ? 'It is connected already' : 'Inputs are numbered 0, 1, 2, …',
    });
  }

  /** They are no part of the graph any more. */
  drop(links: readonly LinkSpec[]): void {
    this.keep((link) => !links.includes(link));
  }

  /** The node is no part of the graph any more. */
  leave(id: number): void {
    for (const { from, to } of this.all) {
      // What has ended there keeps its number.
      if (from.node === id) this.highest.set(to.node, Math.max(to.input, this.highest.get(to.node) ?? -1));
    }
    this.keep(({ from, to }) => from.node !== id && to.node !== id);
  }

  private keep(isKept: (link: LinkSpec) => boolean): void {
    this.all.splice(0, this.all.length, ...this.all.filter(isKept));
  }
}
