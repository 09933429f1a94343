/** Warm modules as nodes of a graph: what goes with them, and what keeps a graph from using one. */
import type { Problem } from '../../errors/errors.js';
import type { NodeSpec } from '../../scheduler/plan/spec.js';
import type { WarmModule } from '../../scheduler/warm/warm-module.js';

/** Parameters of a node that a warm module has already, or cannot have. */
interface Asked {
  readonly scheduler?: number | undefined;
  readonly thread?: string | undefined;
  readonly distNums?: number | undefined;
}

/** What is wrong with what it was given as a node. */
export function warmArguments(options: unknown, { scheduler, thread, distNums }: Asked): Problem[] {
  const problems: Problem[] = [];
  if (typeof options === 'object' && options !== null && Object.keys(options).length > 0) {
    problems.push({
      path: 'option',
      message: 'a warm module has its options already',
      hint: 'Give them to createModule',
    });
  }
  for (const [path, value] of Object.entries({ scheduler, thread })) {
    if (value !== undefined)
      problems.push({ path, message: 'a warm module has its thread already', hint: 'Give it to createModule' });
  }
  if (distNums !== undefined && Number(distNums) > 1)
    problems.push({ path: 'distNums', message: 'a warm module is one' });
  return problems;
}

/** Makes the node its module's. */
export function placeWarm(node: NodeSpec, warm: WarmModule): void {
  node.warm = warm;
  delete node.scheduler;
  delete node.thread;
  if (warm.place !== undefined) node.thread = warm.place;
}

/** What keeps the graph from using its warm modules. */
export function warmProblems(
  { nodes, threads }: { readonly nodes: readonly NodeSpec[]; readonly threads: number | 'auto' },
  pathOf: (index: number) => string,
): Problem[] {
  const users = new Map<WarmModule, number>();
  return nodes.flatMap(({ warm }, index): Problem[] => {
    if (warm === undefined) return [];
    const path = `${pathOf(index)}.meta_info.premodule_id`;
    const problems: Problem[] = [];
    const other = users.get(warm);
    users.set(warm, index);
    const { refusal } = warm;
    if (refusal !== undefined) problems.push({ path, message: `the warm module ${warm.alias} ${refusal}` });
    if (other !== undefined) problems.push({ path, message: `the warm module ${warm.alias} is ${pathOf(other)} too` });
    if (threads === 0 && warm.place !== undefined) {
      const message = `the warm module ${warm.alias} lives in a thread, and this graph has none`;
      problems.push({ path, message, hint: "createModule(…, { thread: 'inline' }) makes one on the calling thread" });
    }
    return problems;
  });
}
