/** The calling thread's share of a run: a host and a part like those of the workers, and the ways a user drives them. */
import { Doorbell } from '../../../ringbuffer/index.js';
import { GraphState } from '../../thread/board/states.js';
import { Host } from '../../thread/host.js';
import { Partition } from '../../thread/partition/partition.js';
import type { FromHost, PartitionSpec } from '../../thread/protocol.js';

/** Longest time in ms without a turn for the calling thread's own timers and I/O, between two calls of modules. */
const LOCAL_YIELD = 1;

export type Blocked =
  /** What was waited for is there. */
  | 'done'
  /** The graph has failed or ended. */
  | 'over'
  /** A module waits for an answer of this thread's event loop. */
  | 'callback';

export class LocalSide {
  readonly part: Partition;
  private readonly host: Host;

  constructor(
    spec: PartitionSpec,
    private readonly bell: Doorbell,
    tell: (message: FromHost) => void,
  ) {
    this.host = new Host(bell, { spin: 0, yieldAfter: LOCAL_YIELD, mayNap: false });
    this.part = new Partition(spec, tell, this.host);
  }

  /** Loads the modules and works until `quit`. Rejects only for a mistake of ours. */
  run(): Promise<void> {
    this.host.add(this.part);
    this.part.load();
    return this.host.run();
  }

  quit(): void {
    this.host.quit();
  }

  /**
   * The user has pushed something or asks for something: does at once what can be done without the event loop.
   * @param settled whether nothing of it is left to do; if not, the loop goes on with it.
   */
  wake(settled: () => boolean): void {
    // Modules of the user's own may take their time, and are given turns between which this thread's I/O has its own.
    if (this.part.actors.every((actor) => actor.outside !== undefined)) this.host.turn();
    if (!settled()) this.host.wake();
  }

  /** Nodes of this thread that are no input streams and have not ended: what would need the thread while it blocks. */
  neighbours(): string[] {
    const inputs = new Set(this.part.spec.pushed);
    return this.part.actors
      .filter((actor) => !inputs.has(actor.node) && !actor.closed)
      .map((actor) => actor.context.alias);
  }

  /**
   * Blocks the thread until `done`. The bell is the host's, whose loop may be waiting on it too: whoever rings wakes
   * both, and since this side takes the announcement of the sleep back, the loop is woken at the end in any case.
   */
  blockUntil(done: () => boolean): Blocked {
    const { board } = this.part;
    const bell = Doorbell.attach(this.bell.buffer, this.bell.byteOffset);
    try {
      for (;;) {
        const ticket = bell.ticket();
        this.host.turn();
        if (done()) return 'done';
        if (board.state === GraphState.aborting || this.part.ended) return 'over';
        if (!this.host.prepareToBlock()) continue;
        if (done()) return 'done'; // looking at the links is what finds room, and it was looked again
        if (board.callbacks > 0) return 'callback';
        bell.wait(ticket);
      }
    } finally {
      this.host.wake();
    }
  }
}
