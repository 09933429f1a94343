/**
 * What a module that does the work of several nodes throws, to tell whose part has failed. The engine takes it apart: the
 * graph fails as if that node had thrown `cause`.
 */
export class MemberError extends Error {
  /** @param node Index of the node on the graph's board. */
  constructor(
    readonly node: number,
    override readonly cause: unknown,
  ) {
    super(`node ${node} of a chain failed`, { cause });
    this.name = 'MemberError';
  }
}
