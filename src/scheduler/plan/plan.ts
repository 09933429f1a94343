/** From the graph as it was built to what runs: nodes rewritten, put in order, and placed on threads. */
import { ConfigError } from '../../errors/errors.js';
import { explain, type PlacementExplanation } from './explain.js';
import { type Fusion, fuseFilters } from './fuse-filters.js';
import { distribute } from './parallel-copies.js';
import { type Placement, place } from './placement.js';
import type { GraphSpec } from './spec.js';
import { topologicalRanks } from './topology.js';

export interface Prepared {
  spec: GraphSpec;
  /** Position of every node in topological order, in the order of `spec.nodes`. */
  rank: number[];
  placement: Placement;
  merging: Fusion;
}

/** @throws ConfigError when the graph has a cycle. */
export function prepare(built: GraphSpec): Prepared {
  const spec = distribute(built);
  const rank = ranks(spec);
  const placement = place(spec, rank);
  return { spec, rank, placement, merging: fuseFilters(spec, placement) };
}

/** @throws ConfigError when the graph has a cycle. */
export function explainPlacement(built: GraphSpec): PlacementExplanation {
  const { spec, rank, placement, merging } = prepare(built);
  return explain(spec, placement, merging, rank);
}

function ranks(spec: GraphSpec): number[] {
  const { rank, cycle } = topologicalRanks(spec);
  if (cycle === undefined) return rank;
  throw new ConfigError(`graph ${spec.name} cannot run`, [
    { path: 'nodes', message: `the streams form a cycle: ${cycle.join(' -> ')}` },
  ]);
}
