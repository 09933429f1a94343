/** The file of a muxer that does not open one by itself, or where its bytes go instead. */
import { AVIO_FLAG_WRITE } from 'node-av/constants';
import { IOContext } from 'node-av/lib';
import { ledger } from '../../../src/media/index.js';
import { closePieces, openPieces, type Pieces } from '../output/byte-output.js';

/** FFmpeg's buffer when the bytes go to an output, as BMF has it. */
export const PIECE = 16_384;

export class MuxFile {
  #io: IOContext | undefined;
  readonly #isPieces: boolean;

  private constructor(io: IOContext, isPieces: boolean) {
    this.#io = io;
    this.#isPieces = isPieces;
  }

  static inPieces(pieces: Pieces): MuxFile {
    return new MuxFile(openPieces(pieces), true);
  }

  /** @param check throws for a negative code of FFmpeg. */
  static open(url: string, check: (ret: number) => void): MuxFile {
    const io = new IOContext();
    check(io.open2Sync(url, AVIO_FLAG_WRITE));
    ledger.opened('file');
    return new MuxFile(io, false);
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
    const ret = io.closepSync();
    ledger.closed('file');
    return ret;
  }
}
