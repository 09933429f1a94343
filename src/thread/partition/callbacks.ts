/**
 * What the modules of a part ask of the calling thread (`ctx.callback`), and its answers. Both are packed as payloads are,
 * also where the module is on the calling thread: what cannot cross threads is refused there as well. Only a module of the
 * calling thread's own (an object, a class) may give it anything, because it never runs elsewhere.
 */
import type { Doorbell } from '../../../ringbuffer/index.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { packValue, unpackValue } from '../../media/wire/value.js';
import type { Board } from '../board/board.js';
import type { FromHost, PartitionNode, PartitionSpec } from '../protocol.js';

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** Its answer comes packed. */
  readonly packed: boolean;
}

/** Whether somebody answers the node for that key. */
export function isAnswered({ called }: Pick<PartitionNode, 'called'>, key: string | number): boolean {
  return called === 'all' || called.includes(String(key));
}

/** Bytes of their own: a message takes the whole of the memory that a view is of. */
export function packMessage(value: unknown, root: string): Uint8Array {
  return new Uint8Array(packValue(value, root));
}

/** Calls of all parts of this thread: an answer that comes late is for none of a part that came after its own. */
let calls = 0;

export class Callbacks {
  private readonly pending = new Map<number, Pending>();

  constructor(
    private readonly spec: PartitionSpec,
    private readonly board: Board,
    private readonly bells: readonly Doorbell[],
    private readonly tell: (message: FromHost) => void,
  ) {}

  async call(node: PartitionNode, key: string | number, value: unknown): Promise<unknown> {
    if (typeof key !== 'string' && typeof key !== 'number') {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `ctx.callback(${describeValue(key)}, …) has no key`, {
        hint: 'The key is a string or a number: ctx.callback(key, value)',
      });
    }
    if (!isAnswered(node, key)) {
      throw new MillraceError('ERR_MILLRACE_STATE', `node ${node.alias} has no callback for '${key}'`, {
        hint: 'Give it one when you build the graph: addCallback(key, fn) of the graph or of the node',
      });
    }
    const packed = node.module.definition === undefined;
    const sent = packed ? packMessage(value, `the value of ctx.callback(${describeValue(key)}, …)`) : value;
    const call = calls++;
    this.board.countCallbacks(1);
    // The calling thread may sleep in a blocking push: it has to learn that it is wanted elsewhere.
    const [input] = this.spec.pushed;
    if (input !== undefined) this.bells[this.spec.nodeThreads[input]!]!.alarm();
    return new Promise((resolve, reject) => {
      this.pending.set(call, { resolve, reject, packed });
      this.tell({ type: 'callback', run: this.spec.run, node: node.index, call, key, value: sent });
    });
  }

  answer(call: number, ok: boolean, value: unknown): void {
    const pending = this.pending.get(call);
    if (this.pending.delete(call)) this.board.countCallbacks(-1);
    if (!ok) pending?.reject(value);
    else pending?.resolve(pending.packed ? unpackValue(value as Uint8Array) : value);
  }

  /** The part has ended: of what a module has asked and not waited for, the answers do not come here any more. */
  end(): void {
    for (let left = this.pending.size; left > 0; left--) this.board.countCallbacks(-1);
    this.pending.clear();
  }

  /** Nobody waits for an answer any more. */
  rejectAll(reason: unknown): void {
    for (const call of [...this.pending.keys()]) this.answer(call, false, reason);
  }
}
