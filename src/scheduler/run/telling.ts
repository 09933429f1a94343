/**
 * What a run tells the program of what its nodes say, and asks it for them. All of it goes to the program in the context
 * that it gave it in; a listener that throws fails the graph, because nobody else would hear of it.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import { GraphError } from '../../errors/errors.js';
import { messageOf, packError, unpackError } from '../../errors/wire.js';
import { unpackValue } from '../../media/wire/value.js';
import { isWarning, type LogEntry, type LogListener } from '../../module/log.js';
import { packMessage } from '../../thread/partition/callbacks.js';
import type { FromHost, ToHost } from '../../thread/protocol.js';
import type { GraphSpec } from '../plan/spec.js';
import { type Context, takeContext } from '../threads/context.js';
import { answer as answerCallback } from './callbacks.js';
import type { DroppedBranch } from './report.js';
import { droppedText, type Warnings } from './warnings.js';

type Said<T extends FromHost['type']> = FromHost & { type: T };

export class Telling {
  /** What the user has given is called in it: that of the start, or of the job that is being done. */
  context: Context = takeContext();
  /** Branches that ended alone. */
  readonly dropped: DroppedBranch[] = [];

  constructor(
    private readonly spec: GraphSpec,
    private readonly warnings: Warnings,
    private readonly onLog: LogListener | undefined,
    private readonly fail: (error: GraphError) => void,
  ) {}

  /** Calls a listener. @param name as the program knows it. */
  call(name: string, listener: () => void): void {
    try {
      this.context(listener);
    } catch (cause) {
      this.fail(new GraphError('ERR_MILLRACE_CALLBACK', `${name} threw: ${messageOf(cause)}`, { cause }));
    }
  }

  /** Whoever subscribes is told of what nodes say of themselves, as { graph, node, ...facts }. */
  publish({ node, event, facts }: Said<'told'>): void {
    const channel = diagnosticsChannel.channel(`millrace:${event}`);
    if (!channel.hasSubscribers) return;
    const { alias } = this.spec.nodes[node]!;
    this.context(() => channel.publish({ graph: this.spec.name, node: alias, ...facts }));
  }

  log({ node, level, text, context }: Said<'log'>): void {
    const { alias, module } = this.spec.nodes[node]!;
    if (isWarning(level) && context === undefined) this.warnings.add(`${alias}: ${text}`);
    this.say({ level, node: alias, context: context ?? module.name, text });
  }

  noteDropped({ node, error: wire, packets: packetsLost }: Said<'dropped'>): void {
    const { id, alias, module } = this.spec.nodes[node]!;
    const error = unpackError(wire) as GraphError;
    this.dropped.push({ node: id, alias, module: module.name, error, packetsLost });
    const text = droppedText(error, packetsLost);
    this.warnings.add(text);
    this.say({ level: 'error', node: alias, context: module.name, text });
  }

  private say(entry: LogEntry): void {
    this.call('onLog', () => this.onLog?.(entry));
  }

  noteRelief(link: number): void {
    const { from, to } = this.spec.links[link]!;
    const name = (id: number): string => this.spec.nodes.find((node) => node.id === id)!.alias;
    const text =
      `the limit of the link from ${name(from.node)}[${from.output}] to ${name(to.node)}[${to.input}] was lifted: its ` +
      'consumer starved on another input';
    this.warnings.addOnce(text);
  }

  /** Has the program answer `ctx.callback`. What goes wrong in that is the node's. */
  async answer(message: Said<'callback'>, reply: (message: ToHost) => void): Promise<void> {
    const { run, call } = message;
    const node = this.spec.nodes[message.node]!;
    const isOfThisThread = node.module.definition !== undefined;
    const answer = (ok: boolean, value: unknown): void => reply({ type: 'callback-result', run, call, ok, value });
    try {
      const value = isOfThisThread ? message.value : unpackValue(message.value as Uint8Array);
      const result: unknown = await this.context(() => answerCallback(this.spec, node, message.key, value));
      answer(true, isOfThisThread ? result : packMessage(result, `what the callback of node ${node.alias} returned`));
    } catch (error) {
      answer(false, packError(error));
    }
  }
}
