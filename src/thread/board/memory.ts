/**
 * Where on the board what is written: its memory, which grows in place, and the addresses of the lines in it.
 *
 *   head     five lines of the graph as a whole (board.ts, run-clock.ts)
 *   then     one line per thread, three per node (board.ts), three per link (link-lines.ts)
 *
 * A graph that grows while it runs has further blocks behind these, each with lines for the threads, nodes and links that
 * came together; they are numbered on from those before. The buffer grows in place, and each thread takes a new view of it
 * when it is told of the block (`follow`): nothing that exists moves, and who has not been told does not know the numbers.
 *
 * A line is 128 bytes (two cache lines: adjacent-line prefetch), so that no two writers share one.
 */

/** int32 per line. */
export const LINE = 32;
const MAGIC = 0x4d524231; // "MRB1"
const HEAD_LINES = 5;
const THREAD_LINES = 1;
const NODE_LINES = 3;
const LINK_LINES = 3;

/** What came to a running graph together. */
export interface BoardBlock {
  readonly threads: number;
  readonly nodes: number;
  readonly links: number;
}

/** Bytes that a board can have: room for some ten thousand nodes that come while the graph runs. Only addresses are reserved. */
const MOST_BYTES = 32 * 1024 * 1024;

export class BoardMemory {
  readonly buffer: SharedArrayBuffer;
  /** As far as this thread has been told. */
  threads: number;
  nodes: number;
  links: number;
  /** Only for the figures of one's own node, and for reading. Another array after the graph has grown. */
  figures!: Float64Array;
  protected words!: Int32Array;
  protected instants!: BigInt64Array;
  /** Those that were there from the start. */
  private readonly first: BoardBlock;
  /** Where the lines of the others are: int32 indices. */
  private readonly further: { threads: number[]; nodes: number[]; links: number[] } = {
    threads: [],
    nodes: [],
    links: [],
  };
  /** int32 index behind the last block. */
  private end: number;

  protected constructor(buffer: SharedArrayBuffer, blocks: readonly BoardBlock[]) {
    this.buffer = buffer;
    this.look();
    if (this.words[0] !== MAGIC) throw new Error('not a graph board');
    this.threads = this.words[1]!;
    this.nodes = this.words[2]!;
    this.links = this.words[3]!;
    this.first = { threads: this.threads, nodes: this.nodes, links: this.links };
    this.end = (HEAD_LINES + this.threads * THREAD_LINES + this.nodes * NODE_LINES + this.links * LINK_LINES) * LINE;
    for (const block of blocks) this.extend(block);
  }

  /** Views of all that is there; of fixed length, which are as quick as those of a buffer that cannot grow. */
  private look(): void {
    const { buffer } = this;
    this.words = new Int32Array(buffer, 0, buffer.byteLength / 4);
    this.figures = new Float64Array(buffer, 0, buffer.byteLength / 8);
    this.instants = new BigInt64Array(buffer, 0, buffer.byteLength / 8);
  }

  private bytesWith({ threads, nodes, links }: BoardBlock): number {
    return (this.end + (threads * THREAD_LINES + nodes * NODE_LINES + links * LINK_LINES) * LINE) * 4;
  }

  hasRoom(block: BoardBlock): boolean {
    return this.bytesWith(block) <= MOST_BYTES;
  }

  /** Room for what comes to the running graph, if there is any; for the thread that built it. The others are told, and `follow`. */
  grow(block: BoardBlock): void {
    (this.buffer as GrowableBuffer).grow(this.bytesWith(block));
    this.follow(block);
  }

  /** A block has come. All threads are told of all of them, in the same order. */
  follow(block: BoardBlock): void {
    this.look();
    this.extend(block);
  }

  /** Something has come of which this thread has not been told. */
  get isOutgrown(): boolean {
    return this.buffer.byteLength > this.end * 4;
  }

  private extend(block: BoardBlock): void {
    const { further } = this;
    const add = (kind: keyof BoardBlock, lines: number): void => {
      for (let i = 0; i < block[kind]; i++) {
        further[kind].push(this.end);
        this.end += lines * LINE;
      }
      this[kind] += block[kind];
    };
    add('threads', THREAD_LINES);
    add('nodes', NODE_LINES);
    add('links', LINK_LINES);
  }

  /** The memory of a board, in which all words are 0 but those that say what it is. */
  protected static allocate(threads: number, nodes: number, links: number): SharedArrayBuffer {
    const lines = HEAD_LINES + threads * THREAD_LINES + nodes * NODE_LINES + links * LINK_LINES;
    const buffer = makeGrowable(lines * LINE * 4);
    new Int32Array(buffer).set([MAGIC, threads, nodes, links]);
    return buffer;
  }

  // --- int32 indices of the first word --------------------------------------------------------------------------------

  protected threadAt(thread: number): number {
    const { threads } = this.first;
    if (thread >= threads) return this.further.threads[thread - threads]!;
    return (HEAD_LINES + thread * THREAD_LINES) * LINE;
  }

  protected nodeAt(node: number): number {
    const { threads, nodes } = this.first;
    if (node >= nodes) return this.further.nodes[node - nodes]!;
    return (HEAD_LINES + threads * THREAD_LINES + node * NODE_LINES) * LINE;
  }

  protected linkAt(link: number): number {
    const { threads, nodes, links } = this.first;
    if (link >= links) return this.further.links[link - links]!;
    return (HEAD_LINES + threads * THREAD_LINES + nodes * NODE_LINES + link * LINK_LINES) * LINE;
  }
}

/** TypeScript's library of this version of the language does not have them; every Node.js from 20 on has. */
type GrowableBuffer = SharedArrayBuffer & { grow(bytes: number): void };

function makeGrowable(bytes: number): SharedArrayBuffer {
  const Growable = SharedArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => SharedArrayBuffer;
  return new Growable(bytes, { maxByteLength: Math.max(bytes, MOST_BYTES) });
}
