/**
 * The ways on which decoders tell the encoders of other threads what their inputs say of themselves (sources.ts). Each is a
 * port of its own on which nobody listens: what was told waits there until the encoder asks, and no event loop has to turn.
 */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import type { NodeSources } from '../../module/contract.js';
import type { GraphSpec } from '../plan/spec.js';
import { sourcesOf, type ToldSources } from './sources.js';

/** From one node to another, by their places in the specification: a node that runs in copies has several. */
interface Way {
  readonly decoder: number;
  readonly encoder: number;
  /** From when one of its ends goes to its thread: a start that is refused leaves no ports behind. */
  ports: { readonly tell: MessagePort; readonly hear: MessagePort } | undefined;
}

export class SourcePorts {
  readonly #told = new Map<number, ToldSources>();
  readonly #ways: Way[] = [];
  readonly #spec: GraphSpec;
  readonly #threadOf: (node: number) => number;

  constructor(spec: GraphSpec, threadOf: (node: number) => number) {
    this.#spec = spec;
    this.#threadOf = threadOf;
    this.#add(spec, 0);
  }

  /** Of what has come since. Of decoders that were there it is too late to hear what their inputs say of themselves. */
  grow(first: { node: number; link: number }): void {
    const { nodes, links } = this.#spec;
    this.#add({ ...this.#spec, nodes: nodes.slice(first.node), links: links.slice(first.link) }, first.node);
  }

  #add(added: GraphSpec, first: number): void {
    const told = sourcesOf(added);
    for (const [id, sources] of told) this.#told.set(id, sources);
    const places = added.nodes.map((_, at) => first + at);
    for (const encoder of places) {
      const heard = new Set(told.get(this.#idOf(encoder))?.inputs.flatMap(({ from }) => from.map(({ node }) => node)));
      for (const decoder of places) {
        if (!heard.has(this.#idOf(decoder)) || this.#threadOf(decoder) === this.#threadOf(encoder)) continue;
        this.#ways.push({ decoder, encoder, ports: undefined });
      }
    }
  }

  #idOf(node: number): number {
    const { id, copyOf } = this.#spec.nodes[node]!;
    return copyOf?.id ?? id;
  }

  /** What one node is told. @param transfer gets the ports that go with it; to be called once per node. */
  of(node: number, transfer: Transferable[]): NodeSources | undefined {
    const sources = this.#told.get(this.#idOf(node));
    if (sources === undefined) return undefined;
    const tell = this.#ways.filter(({ decoder }) => decoder === node).map((way) => portsOf(way).tell);
    const hear = this.#ways.filter(({ encoder }) => encoder === node).map((way) => portsOf(way).hear);
    transfer.push(...tell, ...hear);
    return { ...sources, tell, hear };
  }
}

function portsOf(way: Way): { readonly tell: MessagePort; readonly hear: MessagePort } {
  if (way.ports === undefined) {
    const { port1: tell, port2: hear } = new MessageChannel();
    way.ports = { tell, hear };
  }
  return way.ports;
}
