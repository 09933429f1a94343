/** What goes wrong in a node or a part, as the graph's error. */

import { GraphError, MemberError, MillraceError, type Phase } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { FFMPEG, ffmpegLines } from '../../module/log.js';
import type { LinkSender } from '../link/link.js';
import type { FromHost, PartitionNode, PartitionSpec } from '../protocol.js';

/** Ending a part went wrong. */
export function endingError(cause: unknown): GraphError {
  const text = messageOf(cause);
  return new GraphError('ERR_MILLRACE_MODULE', `ending failed: ${text}`, { phase: 'run', cause });
}

/** What a module threw, with the place where it happened. Our own errors keep their code. @param who the module, in words. */
export function moduleError(
  who: string,
  place: { nodeId?: number; alias: string; module: string },
  phase: Phase,
  cause: unknown,
): GraphError {
  const thrown = phase === 'load' ? 'ERR_MILLRACE_MODULE_LOAD' : 'ERR_MILLRACE_MODULE';
  const code = cause instanceof MillraceError ? cause.code : thrown;
  return new GraphError(code, `${who} failed in ${phase}: ${messageOf(cause)}`, { ...place, phase, cause });
}

/**
 * The same of a node.
 * @param fedBy what the user pushes into it by.
 */
function nodeError(node: PartitionNode, phase: Phase, cause: unknown, fedBy: readonly string[] = []): GraphError {
  const { id, alias, module } = node;
  const name = alias === '' ? `node ${id}` : `node ${id} "${alias}"`;
  const source = fedBy.length > 0 ? `, fed by ${fedBy.join(' and ')},` : '';
  return moduleError(`${name} (${module.name})${source}`, { nodeId: id, alias, module: module.name }, phase, cause);
}

/** More waits at a link than may. */
export function overflowError(link: LinkSender, { links, names, hardCap }: PartitionSpec): MillraceError {
  const ends = links.find((l) => l.index === link.index)!;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const message =
    `the link from output ${ends.output} of ${names[ends.producer]} to input ${ends.input} of ${names[ends.consumer]} ` +
    `holds about ${megabytes(link.waitingBytes)} beyond its limit of ${ends.limit} packets, more than hard_cap ` +
    `(${megabytes(hardCap)}): its consumer waits for packets of another input that come much later, or its producer ` +
    'emits too much in one call';
  return new MillraceError('ERR_MILLRACE_LINK_OVERFLOW', message);
}

/** Whose fault it is: which of a part's nodes went wrong, of several that run as one, and what is told of it. */
export class Blame {
  constructor(
    private readonly spec: PartitionSpec,
    private readonly tell: (message: FromHost) => void,
  ) {}

  /** @param member index of the node that is meant, of those that the actor runs as one; absent: the one that says so. */
  errorIn(index: number, phase: Phase, thrown: unknown, member?: number): GraphError {
    const { node, cause } = this.blamed(index, thrown, member);
    return nodeError(node, phase, cause, phase === 'process' ? this.inputStreamsOf(index) : []);
  }

  /** What FFmpeg said of it, if somebody wants to hear. */
  tellFFmpegLines(index: number, thrown: unknown): void {
    if (!this.spec.heard) return;
    const { node, cause } = this.blamed(index, thrown);
    for (const text of ffmpegLines(cause)) {
      this.tell({ type: 'log', run: this.spec.run, node: node.index, level: 'error', text, context: FFMPEG });
    }
  }

  private blamed(index: number, thrown: unknown, member?: number): { node: PartitionNode; cause: unknown } {
    const runner = this.spec.nodes.find((n) => n.index === index)!;
    const [at, cause] = thrown instanceof MemberError ? [thrown.node, thrown.cause] : [member, thrown];
    return { node: runner.chain?.find((n) => n.index === at) ?? runner, cause };
  }

  /** The input streams that feed a node: what it cannot use came from the user. */
  private inputStreamsOf(index: number): string[] {
    const { allLinks, pushed, names } = this.spec;
    const feeding = allLinks.filter(({ producer, consumer }) => consumer === index && pushed.includes(producer));
    return feeding.map(({ producer }) => names[producer]!);
  }
}
