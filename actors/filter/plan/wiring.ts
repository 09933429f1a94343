/**
 * Which pad of which filter is joined to which: the three forms of the options brought into one. Pure data; how many
 * pads a filter has is told by the caller, since only an initialised filter knows.
 */

import { MillraceError } from '../../../src/errors/errors.js';
import type { FilterEntry } from '../options.js';
import type { FilterSpec } from './filter-spec.js';
import type { ParsedFilter } from './syntax.js';

export interface PadCounts {
  readonly inputs: number;
  readonly outputs: number;
  /** The number of inputs, or of outputs, follows from the filter's arguments. */
  readonly dynamicInputs: boolean;
  readonly dynamicOutputs: boolean;
}

export interface Pad {
  /** Index of the filter. */
  readonly filter: number;
  readonly pad: number;
}

export interface Wiring {
  readonly links: readonly { readonly from: Pad; readonly to: Pad }[];
  /** By id of the node's input: the pads that receive its frames. */
  readonly inputs: ReadonlyMap<number, readonly Pad[]>;
  /** By id of the node's output. */
  readonly outputs: ReadonlyMap<number, Pad>;
  /** Output pads whose frames nobody consumes. */
  readonly unused: readonly Pad[];
}

/** Ids of the node's connected inputs and consumed outputs, ascending. */
export interface Ports {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Inputs that have ended, of a filter that runs: they may be left out. */
  readonly ended?: ReadonlySet<number>;
}

export function describe({ name, args }: FilterSpec): string {
  return args === undefined ? `filter '${name}'` : `filter '${name}=${args}'`;
}

/** Collects connections and checks at the end that nothing was left over. */
class Wires {
  readonly #links: { from: Pad; to: Pad }[] = [];
  readonly #inputs = new Map<number, Pad[]>();
  readonly #outputs = new Map<number, Pad>();
  readonly #usedIn: Set<number>[];
  readonly #usedOut: Set<number>[];

  constructor(
    readonly specs: readonly FilterSpec[],
    readonly counts: readonly PadCounts[],
    readonly ports: Ports,
  ) {
    this.#usedIn = specs.map(() => new Set());
    this.#usedOut = specs.map(() => new Set());
  }

  input(id: number, to: Pad): void {
    this.#claim('input', to);
    const pads = this.#inputs.get(id);
    if (pads) pads.push(to);
    else this.#inputs.set(id, [to]);
  }

  output(id: number, from: Pad): void {
    this.#claim('output', from);
    if (this.#outputs.has(id)) throw wrong(`Output ${id} is given to two pads`);
    this.#outputs.set(id, from);
  }

  link(from: Pad, to: Pad): void {
    this.#claim('output', from);
    this.#claim('input', to);
    this.#links.push({ from, to });
  }

  free(side: 'input' | 'output', filter: number): Pad[] {
    const used = side === 'input' ? this.#usedIn[filter]! : this.#usedOut[filter]!;
    const count = side === 'input' ? this.counts[filter]!.inputs : this.counts[filter]!.outputs;
    return Array.from({ length: count }, (_, pad) => ({ filter, pad })).filter(({ pad }) => !used.has(pad));
  }

  /** Gives the pads that are still free to the node's inputs and outputs that are not named yet, in order. */
  spread(): void {
    const freeInputs = this.specs.flatMap((_, filter) => this.free('input', filter));
    let inputs = this.ports.inputs.filter((id) => !this.#inputs.has(id));
    if (inputs.length > freeInputs.length) inputs = inputs.filter((id) => !this.#mayBeLeftOut(id));
    freeInputs.slice(0, inputs.length).forEach((pad, i) => {
      this.input(inputs[i]!, pad);
    });
    // All outputs count here, also those nobody consumes: output 1 stays output 1 when output 0 is not connected.
    const freeOutputs = this.specs.flatMap((_, filter) => this.free('output', filter));
    let id = 0;
    for (const pad of freeOutputs) {
      while (this.#outputs.has(id)) id++;
      this.output(id, pad);
    }
  }

  finish(): Wiring {
    this.specs.forEach((spec, filter) => {
      const missing = this.free('input', filter).length;
      if (missing === 0) return;
      const { inputs, dynamicInputs } = this.counts[filter]!;
      throw wrong(
        `The ${describe(spec)} takes ${plural(inputs, 'input')}, ${inputs - missing} connected`,
        dynamicInputs ? dynamicHint(spec, 'input') : 'Give the other streams first: base.overlay(top, { x: 10 })',
      );
    });
    for (const id of this.ports.inputs) {
      if (!this.#inputs.has(id) && !this.#mayBeLeftOut(id)) throw this.#superfluous('input', id);
    }
    for (const id of this.ports.outputs) if (!this.#outputs.has(id)) throw this.#superfluous('output', id);
    for (const id of this.#inputs.keys()) {
      if (!this.ports.inputs.includes(id)) throw wrong(`A filter takes input ${id}, which is not connected`);
    }
    const consumed = new Map([...this.#outputs].filter(([id]) => this.ports.outputs.includes(id)));
    const unconsumed = [...this.#outputs].filter(([id]) => !consumed.has(id)).map(([, pad]) => pad);
    return {
      links: this.#links,
      inputs: this.#inputs,
      outputs: consumed,
      unused: [...unconsumed, ...this.specs.flatMap((_, filter) => this.free('output', filter))],
    };
  }

  #mayBeLeftOut(id: number): boolean {
    return this.ports.ended?.has(id) === true;
  }

  /** The node has a connection for which there is no pad. */
  #superfluous(side: 'input' | 'output', id: number): MillraceError {
    const [spec] = this.specs;
    if (this.specs.length > 1 || spec === undefined) {
      return wrong(side === 'input' ? `No filter takes input ${id}` : `No filter feeds output ${id}`);
    }
    const { inputs, outputs, dynamicInputs, dynamicOutputs } = this.counts[0]!;
    return side === 'input'
      ? wrong(
          `The ${describe(spec)} takes ${plural(inputs, 'input')}, ${this.ports.inputs.length} connected`,
          dynamicInputs ? dynamicHint(spec, 'input') : undefined,
        )
      : wrong(
          `The ${describe(spec)} has ${plural(outputs, 'output')}, output ${id} is connected`,
          dynamicOutputs ? dynamicHint(spec, 'output') : undefined,
        );
  }

  #claim(side: 'input' | 'output', { filter, pad }: Pad): void {
    const spec = this.specs[filter];
    if (spec === undefined) throw wrong(`A link leads to filter ${filter}, there are ${this.specs.length}`);
    const count = side === 'input' ? this.counts[filter]!.inputs : this.counts[filter]!.outputs;
    const dynamic = side === 'input' ? this.counts[filter]!.dynamicInputs : this.counts[filter]!.dynamicOutputs;
    if (pad >= count) {
      throw wrong(
        `The ${describe(spec)} has ${plural(count, side)}, ${side} pad ${pad} is connected`,
        dynamic ? dynamicHint(spec, side) : undefined,
      );
    }
    const used = side === 'input' ? this.#usedIn[filter]! : this.#usedOut[filter]!;
    if (used.has(pad)) throw wrong(`The ${side} pad ${pad} of ${describe(spec)} is connected twice`);
    used.add(pad);
  }
}

/** One filter: its pads are the node's inputs and outputs, in order. */
export function wireOne(spec: FilterSpec, count: PadCounts, ports: Ports): Wiring {
  const wires = new Wires([spec], [count], ports);
  wires.spread();
  return wires.finish();
}

/**
 * BMF's list. As in BMF, a filter's output pads are taken by its links first and its node outputs after them, in the
 * order written; explicit numbers are followed where they are all different (BMF writes 0 for every output).
 */
export function wireList(
  entries: readonly FilterEntry[],
  specs: readonly FilterSpec[],
  counts: readonly PadCounts[],
  ports: Ports,
): Wiring {
  const wires = new Wires(specs, counts, ports);
  entries.forEach((entry, filter) => {
    entry.inputs?.forEach(({ stream, pin }, i) => {
      wires.input(stream, { filter, pad: pin ?? i });
    });
    const ends = [
      ...(entry.links ?? []).map((link) => ({ pin: link.input_pin, link, stream: undefined })),
      ...(entry.outputs ?? []).map(({ pin, stream }) => ({ pin, link: undefined, stream })),
    ];
    const numbered = ends.every(({ pin }) => pin !== undefined) && new Set(ends.map((e) => e.pin)).size === ends.length;
    ends.forEach((end, i) => {
      const from = { filter, pad: numbered ? end.pin! : i };
      if (end.link) wires.link(from, { filter: end.link.output_filter, pad: end.link.output_pin });
      else wires.output(end.stream, from);
    });
  });
  // A list without any ends, as for a single filter, means its pads in order.
  if (entries.every(({ inputs, outputs }) => !inputs?.length && !outputs?.length)) wires.spread();
  return wires.finish();
}

/** FFmpeg's syntax; the rules of avfilter_graph_parse, except that numbers are always the node's own ends. */
export function wireChains(
  chains: readonly (readonly ParsedFilter[])[],
  counts: readonly PadCounts[],
  ports: Ports,
): Wiring {
  const wires = new Wires(chains.flat(), counts, ports);
  const from = new Map<string, Pad>();
  const to = new Map<string, Pad>();
  const remember = (labels: Map<string, Pad>, label: string, pad: Pad, what: string) => {
    if (labels.has(label)) throw wrong(`The label [${label}] is the ${what} of two filters`);
    labels.set(label, pad);
  };
  let filter = 0;
  for (const chain of chains) {
    let previous: Pad[] = [];
    for (const spec of chain) {
      const count = counts[filter]!;
      const given = spec.inputs.length + previous.length;
      if (given > count.inputs) {
        throw wrong(
          `The ${describe(spec)} takes ${plural(count.inputs, 'input')}, ${given} connected`,
          count.dynamicInputs ? dynamicHint(spec, 'input') : undefined,
        );
      }
      spec.inputs.forEach((label, pad) => {
        if (isNumber(label)) wires.input(Number(label), { filter, pad });
        else remember(to, label, { filter, pad }, 'input');
      });
      previous.forEach((source, i) => {
        wires.link(source, { filter, pad: spec.inputs.length + i });
      });
      if (spec.outputs.length > count.outputs) {
        throw wrong(
          `The ${describe(spec)} has ${plural(count.outputs, 'output')}, ${spec.outputs.length} labelled`,
          count.dynamicOutputs ? dynamicHint(spec, 'output') : undefined,
        );
      }
      spec.outputs.forEach((label, pad) => {
        if (isNumber(label)) wires.output(Number(label), { filter, pad });
        else remember(from, label, { filter, pad }, 'output');
      });
      const rest = wires.free('output', filter).filter(({ pad }) => pad >= spec.outputs.length);
      previous = spec === chain.at(-1) ? [] : rest;
      filter++;
    }
  }
  for (const [label, pad] of to) {
    const source = from.get(label);
    if (!source) {
      throw wrong(
        `No filter has an output [${label}]`,
        `The node's own inputs are written as numbers: ${ports.inputs.map((id) => `[${id}]`).join('') || 'it has none'}`,
      );
    }
    from.delete(label);
    wires.link(source, pad);
  }
  const [left] = from.keys();
  if (left !== undefined) {
    throw wrong(`The output [${left}] leads nowhere`, "The node's own outputs are written as numbers, such as [0]");
  }
  wires.spread();
  return wires.finish();
}

function isNumber(label: string): boolean {
  return /^\d+$/.test(label);
}

function plural(count: number, what: string): string {
  return count === 0 ? `no ${what}` : `${count} ${what}${count === 1 ? '' : 's'}`;
}

function dynamicHint(spec: FilterSpec, side: 'input' | 'output'): string {
  return `The number of ${side}s of '${spec.name}' is one of its arguments, such as inputs=3, outputs=3 or n=3`;
}

function wrong(message: string, hint?: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_OPTION', message, hint === undefined ? {} : { hint });
}
