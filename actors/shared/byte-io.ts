/**
 * FFmpeg over bytes that are not in a file: the frame around an IOContext. FFmpeg asks for bytes, or hands them over, by
 * callbacks that answer before they return; what goes wrong in one of them comes back as a number, and is told by
 * `confirm` afterwards.
 */
import { AVERROR_EXIT, AVSEEK_CUR, AVSEEK_END, AVSEEK_SET, AVSEEK_SIZE, type AVSeekWhence } from 'node-av/constants';
import { IOContext } from 'node-av/lib';
import { ledger } from '../../src/media/index.js';

/** Bytes that FFmpeg takes or gives at a time, unless told otherwise. */
export const BUFFER = 65_536;

const EINVAL = -22;

/** What stands behind an IOContext. */
export interface ByteEnd {
  /** The next bytes, up to so many; null at the end, 'broken' if there are none that could be read. */
  read?(length: number): Buffer | null | 'broken';
  /** FFmpeg's memory: it is used again when the call has returned. */
  write?(bytes: Buffer): void;
  /** Absent: it cannot be sought in. */
  readonly place?: BytePlace | undefined;
  /** @throws what went wrong. */
  confirm?(): void;
}

/** Where reading or writing goes on, and how many bytes there are. */
export class BytePlace {
  at = 0;

  constructor(public size = 0) {}

  /** So many bytes were read or written here. */
  pass(bytes: number): void {
    this.at += bytes;
    this.size = Math.max(this.size, this.at);
  }

  seek(offset: bigint, whence: AVSeekWhence): bigint {
    if (whence === AVSEEK_SIZE) return BigInt(this.size);
    const from = { [AVSEEK_SET]: 0, [AVSEEK_CUR]: this.at, [AVSEEK_END]: this.size }[whence as number];
    if (from === undefined || from + Number(offset) < 0) return BigInt(EINVAL);
    this.at = from + Number(offset);
    return BigInt(this.at);
  }
}

/** @param size Of FFmpeg's buffer, bytes. */
export function openBytes({ read, write, place }: ByteEnd, size = BUFFER): IOContext {
  const io = new IOContext();
  io.allocContextWithCallbacks(
    size,
    write ? 1 : 0,
    read
      ? (length) => {
          const bytes = read(length);
          return bytes === 'broken' ? AVERROR_EXIT : bytes;
        }
      : null,
    write
      ? (bytes) => {
          write(bytes);
          return bytes.length;
        }
      : null,
    place ? (offset, whence) => place.seek(offset, whence) : null,
  );
  ledger.opened('io');
  return io;
}

/** Bytes that may keep whoever reads them waiting, for calls that are asynchronous: the callback's thread answers them meanwhile. */
export function openArrivingBytes(read: (length: number) => Promise<Buffer | null | 'broken'>): IOContext {
  const io = new IOContext();
  io.allocContextWithCallbacks(BUFFER, 0, async (length) => {
    const bytes = await read(length);
    return bytes === 'broken' ? AVERROR_EXIT : bytes;
  });
  ledger.opened('io');
  return io;
}

export function closeBytes(io: IOContext): void {
  io.freeContext();
  ledger.closed('io');
}

/** Has FFmpeg use them. @throws what `confirm` throws, which is why the rest failed, or else what `use` throws. */
export function withBytes<T>(end: ByteEnd, use: (io: IOContext) => T): T {
  const io = openBytes(end);
  try {
    const result = use(io);
    end.confirm?.();
    return result;
  } catch (error) {
    end.confirm?.();
    throw error;
  } finally {
    closeBytes(io);
  }
}
