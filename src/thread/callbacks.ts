/** What the modules of a part ask of the calling thread (`ctx.callback`), and its answers. */
import type { Doorbell } from '../../ringbuffer/index.js';
import { MillraceError } from '../errors.js';
import type { Board } from './board.js';
import type { FromHost, PartNode, PartSpec } from './protocol.js';

export class Callbacks {
  private readonly pending = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  private next = 0;

  constructor(
    private readonly spec: PartSpec,
    private readonly board: Board,
    private readonly bells: readonly Doorbell[],
    private readonly tell: (message: FromHost) => void,
  ) {}

  call(node: PartNode, key: string | number, value: unknown): Promise<unknown> {
    if (!node.hasCallback) {
      return Promise.reject(
        new MillraceError('ERR_MILLRACE_STATE', `node ${node.alias} has no callback for '${key}'`, {
          hint: 'Give the node a `callback` when you build the graph',
        }),
      );
    }
    const call = this.next++;
    this.board.countCallbacks(1);
    // The calling thread may sleep in a blocking push: it has to learn that it is wanted elsewhere.
    const [input] = this.spec.pushed;
    if (input !== undefined) this.bells[this.spec.nodeThreads[input]!]!.alarm();
    return new Promise((resolve, reject) => {
      this.pending.set(call, { resolve, reject });
      this.tell({ type: 'callback', run: this.spec.run, node: node.index, call, key, value });
    });
  }

  answer(call: number, ok: boolean, value: unknown): void {
    const pending = this.pending.get(call);
    if (this.pending.delete(call)) this.board.countCallbacks(-1);
    if (ok) pending?.resolve(value);
    else pending?.reject(value);
  }

  /** Nobody waits for an answer any more. */
  rejectAll(reason: unknown): void {
    for (const call of [...this.pending.keys()]) this.answer(call, false, reason);
  }
}
