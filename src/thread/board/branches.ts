/** What of a graph is left without anything to work on when nodes of it were dropped (`on_error: 'drop-branch'`) or removed (`graph.removeNode`). */
import type { LinkEnds } from '../protocol.js';
import type { Board } from './board.js';
import { NodeFate } from './states.js';

/**
 * Whether nothing ever reached this node, and all that could have reached it was to come by way of nodes that were
 * dropped. What fails of that, such as an encoder without a frame, has not failed by itself: it belongs to their branch.
 */
export function isCutOff(board: Board, links: readonly LinkEnds[], node: number): boolean {
  return board.figure(node, 'packetsIn') === 0 && comesOfDropped(board, links, node);
}

/** A graph has no cycle, so that it ends. */
function comesOfDropped(board: Board, links: readonly LinkEnds[], node: number): boolean {
  let fed = false;
  for (const { producer, consumer } of links) {
    if (consumer !== node || board.fate(producer) === NodeFate.merged) continue;
    fed = true;
    const fate = board.fate(producer);
    const isGone = fate === NodeFate.dropped || fate === NodeFate.removed;
    if (!isGone && !comesOfDropped(board, links, producer)) return false;
  }
  return fed;
}
