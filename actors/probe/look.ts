/**
 * Looks into a file, or into bytes that another thread has, at once: this thread may sleep meanwhile. FFmpeg asks for
 * bytes by a callback that must answer before it returns; the answer comes through the port, and whoever ends the thread
 * ends the waiting as well (NativeWait).
 */
import { receiveMessageOnPort } from 'node:worker_threads';
import { AVERROR_EXIT, AVSEEK_CUR, AVSEEK_END, AVSEEK_SET, AVSEEK_SIZE, type AVSeekWhence } from 'node-av/constants';
import { IOContext } from 'node-av/lib';
import { ledger } from '../../src/media/index.js';
import type { NativeWait } from '../../src/media/native/native-wait.js';
import { IndexCheck } from '../decoder/demux-thread/mp4-index.js';
import { Input } from '../decoder/input/input.js';
import type { FromReader, ReaderData, ToReader } from '../decoder/network/protocol.js';
import { describeInput } from './describe.js';

/** What FFmpeg asks for at a time, bytes. */
const BUFFER = 65_536;

/** @throws MillraceError ERR_MILLRACE_INPUT */
export function look({ input: options, source, port }: ReaderData, wait: NativeWait): void {
  const tell = (message: FromReader): void => port.postMessage(message);
  const describe = (io?: IOContext): void => {
    const input = new Input({ ...options, io });
    try {
      const info = describeInput(input);
      // The name of bytes is no path.
      if (io) delete info.format.size;
      tell({ type: 'info', info });
    } finally {
      input.close();
    }
  };
  if (!source) {
    describe();
    return;
  }
  const check = new IndexCheck(options.path);
  const io = new IOContext();
  ledger.opened('io');
  let at = 0;
  const read = (length: number): Buffer | number | null => {
    if (wait.stopped) return AVERROR_EXIT;
    if (source.size !== undefined && at >= source.size) return null;
    tell({ type: 'want', offset: at, length });
    const answer = wait.until(() => receiveMessageOnPort(port) as { message: ToReader } | undefined);
    if (answer?.message.type !== 'bytes') return AVERROR_EXIT;
    const { buffer, byteOffset, byteLength } = answer.message.bytes;
    if (byteLength === 0) return null;
    at += byteLength;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    // What cannot be sought in must have its index before what it is the index of.
    return source.size !== undefined || check.pass(bytes) ? bytes : AVERROR_EXIT;
  };
  const seek = (offset: bigint, whence: AVSeekWhence): bigint => {
    const size = source.size ?? 0;
    if (whence === AVSEEK_SIZE) return BigInt(size);
    if (whence === AVSEEK_SET) at = Number(offset);
    else if (whence === AVSEEK_CUR) at += Number(offset);
    else if (whence === AVSEEK_END) at = size + Number(offset);
    return BigInt(at);
  };
  try {
    io.allocContextWithCallbacks(BUFFER, 0, read, null, source.size === undefined ? null : seek);
    describe(io);
    check.confirm();
  } catch (error) {
    check.confirm();
    throw error;
  } finally {
    io.freeContext();
    ledger.closed('io');
  }
}
