/** The file of a muxer that does not open one by itself, or where its bytes go instead. */
import { statSync } from 'node:fs';
import { AVIO_FLAG_WRITE, AVSEEK_SET } from 'node-av/constants';
import { IOContext } from 'node-av/lib';
import { ledger } from '../../../src/media/index.js';
import { localPath } from '../../shared/location.js';
import { closePieces, openPieces, type Piece, type Pieces } from '../output/byte-output.js';

/** FFmpeg's buffer when the bytes go to an output, as BMF has it. */
export const PIECE = 16_384;

/** This muxer leaves the checksum of its header to the IOContext until the trailer (ttaenc.c): it cannot get another one. */
const KEEPS_SUM = 'tta';

/** A piece that is kept, as a copy. */
interface Kept {
  readonly bytes: Buffer;
  readonly offset: number;
}

/** Throws for a negative code of FFmpeg. */
type Check = (ret: number) => void;

export class MuxFile {
  #io: IOContext | undefined;
  #isPieces: boolean;
  /** What is written before the file is opened. */
  #header: readonly Kept[] | undefined;

  private constructor(io: IOContext, isPieces: boolean, header?: readonly Kept[]) {
    this.#io = io;
    this.#isPieces = isPieces;
    this.#header = header;
  }

  static inPieces(pieces: Pieces): MuxFile {
    return new MuxFile(openPieces(pieces), true);
  }

  /**
   * To open a file for writing empties it, and whether a format can hold the streams at all shows when its header is
   * written: that one is kept in memory until `open`, so that a header that is refused costs no file that was there. What
   * is no file (a pipe, a device, a peer) has nothing to lose, and the muxer is to see that it cannot be gone back in.
   */
  static forHeader(url: string, muxer: string | null, check: Check): MuxFile {
    if (!isFile(url) || muxer === KEEPS_SUM) return new MuxFile(opened(url, check), false);
    const header: Kept[] = [];
    const take = ({ bytes, offset }: Piece): void => {
      header.push({ bytes: Buffer.from(bytes), offset });
    };
    return new MuxFile(openPieces({ size: PIECE, streamed: false, take }), true, header);
  }

  /**
   * The header is written: from here on everything goes into the file.
   * @param use Gives the muxer what it writes to now.
   */
  open(url: string, use: (io: IOContext) => void, check: Check): void {
    const header = this.#header;
    const memory = this.#io;
    if (!header || !memory) return;
    const io = opened(url, check);
    const goTo = (place: bigint): void => {
      if (io.tell() !== place) check(Number(io.seekSync(place, AVSEEK_SET)));
    };
    try {
      memory.flushSync();
      for (const { bytes, offset } of header) {
        goTo(BigInt(offset));
        io.writeSync(bytes);
      }
      goTo(memory.tell());
    } catch (error) {
      closed(io);
      throw error;
    }
    this.#io = io;
    this.#isPieces = false;
    this.#header = undefined;
    use(io);
    closePieces(memory);
  }

  /** No file has been touched: what fails is not its fault. */
  get inMemory(): boolean {
    return this.#header !== undefined;
  }

  /** What the muxer writes to; null once it is closed. */
  get io(): IOContext | null {
    return this.#io ?? null;
  }

  /** Bytes before the place where it stands. */
  get position(): number {
    return Number(this.#io?.tell() ?? 0);
  }

  /** Bytes of the whole; undefined where that is not known. */
  get size(): number | undefined {
    return this.#io?.seekable && !this.#isPieces ? Number(this.#io.sizeSync()) : undefined;
  }

  /** @returns FFmpeg's code: closing a file can fail as well. */
  close(): number {
    const io = this.#io;
    if (!io) return 0;
    this.#io = undefined;
    if (this.#isPieces) {
      closePieces(io);
      return 0;
    }
    return closed(io);
  }
}

function opened(url: string, check: Check): IOContext {
  const io = new IOContext();
  check(io.open2Sync(url, AVIO_FLAG_WRITE));
  ledger.opened('file');
  return io;
}

function closed(io: IOContext): number {
  const ret = io.closepSync();
  ledger.closed('file');
  return ret;
}

/** It is one, or will be. What cannot be looked at is told when it is opened. */
function isFile(url: string): boolean {
  const path = localPath(url);
  if (path === undefined) return false;
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  } catch {
    return false;
  }
}
