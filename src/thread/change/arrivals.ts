/**
 * What comes to a part of a graph while it runs (protocol.ts, `Growth`), in two steps so that nothing that is there waits
 * for what comes, and nothing comes by half:
 *
 *   grow   the thread learns of all that comes anywhere, and loads and initialises the nodes that are its own
 *   join   when every thread has done so: new nodes take part, and existing producers send to them from the next packet on
 *
 * or `give-up` in the place of `join`, when a module could not be initialised: what was made is closed, and the links, on
 * which nothing was ever sent, stay unused.
 *
 * What concerns one thread only (its nodes, and those at the other ends of the links, are all there) needs no second step: it
 * takes part when it has been initialised, or is given up. The other threads learn of it when they do.
 *
 * Invariants. A consumer's end of a link exists before its producer is told to join, because `join` goes out only after every
 * thread has answered `grow`; so what is sent early waits in the link, and the consumer looks for itself when it joins.
 * Between the two nothing waits for what comes: a link that nobody has attached is never full, and a node that has not
 * joined is shown as live. The calling thread posts all `join`s at once, so that it may be busy afterwards. docs/model/join.pml shows it.
 *
 * A thread that has ended is told of nothing. What it produced joins in the consumer's thread, as a link whose producer has
 * ended; what it consumed takes no further inputs, and is refused before anybody is told.
 */
import { MillraceError } from '../../errors/errors.js';
import { Packet } from '../../media/packet/packet.js';
import type { Actor } from '../actor/actor.js';
import { DirectLink } from '../link/direct-link.js';
import type { LinkFaces } from '../partition/build.js';
import type { Growth, PartitionLink } from '../protocol.js';

/** What has been made, and has not joined. */
export interface Arrival {
  readonly growth: Growth;
  readonly faces: LinkFaces;
  readonly actors: Actor[];
}

/**
 * Asks those that are to get further inputs whether they take them, each between two calls of its module. Nothing of the
 * graph waits for the answer but the addition; an actor that ends meanwhile answers that it has ended.
 * @param note is told of an actor that has to answer.
 * @throws MillraceError ERR_MILLRACE_STATE for a node that takes no further inputs, and what modules refuse them by.
 */
export async function askConsumers(
  links: readonly PartitionLink[],
  actors: readonly Actor[],
  note: (actor: Actor) => void,
): Promise<void> {
  checkInputs(links, actors);
  for (const { consumer, input, change } of links) {
    const actor = actors.find(({ node }) => node === consumer);
    if (actor === undefined) continue;
    await new Promise<void>((resolve, reject) => {
      const run = (): void | Promise<void> => actor.addInput(input, change);
      const answer = (error: unknown): void =>
        error === undefined ? resolve() : reject(new ConsumerError(actor, error));
      actor.commands.add({ run, answer });
      note(actor);
    });
  }
}

/** A node has refused a further input. */
export class ConsumerError extends Error {
  constructor(
    readonly actor: Actor,
    override readonly cause: unknown,
  ) {
    super('a further input was refused');
  }
}

function checkInputs(links: readonly PartitionLink[], actors: readonly Actor[]): void {
  for (const { consumer, input } of links) {
    const actor = actors.find(({ node }) => node === consumer);
    if (actor === undefined) continue;
    const refuse = (why: string, hint: string): never => {
      const message = `node "${actor.context.alias}" cannot be given input ${input} while it runs: ${why}`;
      throw new MillraceError('ERR_MILLRACE_STATE', message, { hint });
    };
    if (actor.isSource) refuse('it has none', 'It makes its packets itself');
    if (actor.inputs.manager !== undefined) {
      refuse('its input manager puts together those that it has', 'Nodes under the input manager `immediate` can');
    }
    if (actor.inlets.some(({ id }) => id === input)) refuse('that is connected', 'Take the next free one');
  }
}

/**
 * Joins the links of an arrival to the nodes that were there.
 * @param note is told of an actor to which something has happened.
 * @returns the links whose producers have ended.
 */
export function joinLinks(
  { growth, faces }: Arrival,
  actors: readonly Actor[],
  note: (actor: Actor) => void,
): number[] {
  const ended: number[] = [];
  const own = new Set(growth.nodes.map(({ index }) => index));
  const find = (node: number): Actor | undefined => actors.find((actor) => actor.node === node);
  for (const link of growth.links) {
    const { index, producer, consumer } = link;
    const [sender, receiver] = [faces.outs.get(index), faces.ins.get(index)];
    if (receiver !== undefined && !own.has(consumer)) {
      const actor = find(consumer);
      if (receiver instanceof DirectLink && actor !== undefined) receiver.onArrival = () => note(actor);
      if (actor === undefined || actor.finished) receiver.leave();
      else attachInput(actor, link, receiver);
    }
    if (sender !== undefined && !own.has(producer)) {
      const actor = find(producer);
      if (sender instanceof DirectLink && actor !== undefined) sender.onRoom = () => note(actor);
      if (actor === undefined) sender.offer(Packet.eof());
      if (actor === undefined || !attachOutput(actor, link, sender)) ended.push(index);
    }
  }
  return ended;
}

function attachInput(actor: Actor, { input }: PartitionLink, link: Actor['inlets'][number]['link']): void {
  actor.inputs.attach({ id: input, link, serving: false, ended: false, over: false, last: false });
  (actor.context.inputs as number[]).push(input);
}

function attachOutput(
  actor: Actor,
  { output }: PartitionLink,
  link: Parameters<Actor['outputs']['attach']>[1],
): boolean {
  const { outputs } = actor.context;
  if (!outputs.includes(output)) (outputs as number[]).push(output);
  return actor.outputs.attach(output, link, actor.finished);
}
