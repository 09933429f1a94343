/**
 * The order of a part's actors: furthest downstream first. An actor's place is its index in that order, which is what the
 * ready queue knows it by, so that both are made anew together when actors come or have left.
 */
import type { Actor } from '../actor/actor.js';
import type { PartitionLink } from '../protocol.js';
import { NOWHERE, ReadyQueue } from './ready-queue.js';

/**
 * Puts the actors in order, in place. Those that are closed have nothing more to do, and are left out.
 * @param links of the part.
 * @returns a queue in which all of them are noted.
 */
export function putInOrder(
  actors: Actor[],
  links: readonly PartitionLink[],
  isReady: (actor: Actor) => boolean,
): ReadyQueue {
  const open = actors.filter((actor) => !actor.closed || actor.busy || !actor.outputs.settled());
  for (const actor of actors) actor.place = NOWHERE;
  actors.splice(0, actors.length, ...open.sort((a, b) => b.rank - a.rank));
  for (const [place, actor] of actors.entries()) actor.place = place;
  const crossing = new Set<number>();
  for (const { ring, producer, consumer } of links) if (ring !== undefined) crossing.add(producer).add(consumer);
  const fromOutside = actors.filter(({ node, outside }) => crossing.has(node) || outside !== undefined);
  const queue = new ReadyQueue(
    actors.length,
    fromOutside.map(({ place }) => place),
    {
      isReady: (place) => isReady(actors[place]!),
      isSelfDriven: (place) => {
        const actor = actors[place]!;
        return !actor.finished && actor.selfDriven;
      },
    },
  );
  queue.noteAll();
  return queue;
}
