/**
 * Entry of the thread that demuxes for a decoder that is fed with bytes. FFmpeg asks for bytes through a callback that
 * must answer at once; so a thread of its own may sleep in it, and nobody else has to wait: not the event loop and the
 * other actors of the decoder's thread, and not libuv's pool, of which asynchronous calls would hold a thread each.
 *
 * Whoever ends this thread stops its slot of the table of native waits first: every wait then ends, the callback answers
 * with the end of the file, and FFmpeg returns.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Packet as NativePacket } from 'node-av/lib';
import { packError } from '../../../src/errors/wire.js';
import type { FilePlace } from '../../../src/media/bytes/file-payload.js';
import { SourceReader } from '../../../src/media/bytes/source-reader.js';
import { setLogLevel } from '../../../src/media/index.js';
import { NativeWait } from '../../../src/media/native/native-wait.js';
import { packetParts } from '../../../src/media/wire/packet.js';
import { BUFFER, type ByteEnd, withBytes } from '../../shared/byte-io.js';
import { sourceEnd } from '../../shared/source-io.js';
import { fileFacts } from '../input/file-facts.js';
import { Input } from '../input/input.js';
import type { InputOptions } from '../input/opening.js';
import { Mp3Padding } from './mp3-padding.js';
import { IndexCheck } from './mp4-index.js';
import { type DemuxerData, type FromDemuxer, OUTPUT_LIMIT, ownBuffers, type ToDemuxer, weight } from './protocol.js';
import { WavPackTags } from './wavpack-tags.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

/** The bytes that come through the port, file by file. */
class Inbox {
  /** The whole stream has ended. */
  over = false;
  /** And no other one follows: the thread is to end. */
  stopped = false;
  /** The current file has ended. */
  fileOver = false;
  /** What comes next as a whole. */
  place: FilePlace | undefined;
  #chunk: Buffer | undefined;
  #left = false;
  #received = 0;
  #told = -1;

  constructor(
    private readonly port: MessagePort,
    private readonly wait: NativeWait,
  ) {}

  /** Up to `size` of the next bytes of the file, as soon as there are any; null at its end. */
  read(size: number): Buffer | null {
    while (this.#chunk === undefined) {
      if (this.fileOver || this.over) return null;
      const message = this.wait.until(() => this.#next());
      if (message === undefined) this.stopped = true;
      if (message === undefined || message === 'end') this.over = true;
      else if (message === 'end-of-file') this.fileOver = true;
      else if (message === 'leave') continue;
      else if (!ArrayBuffer.isView(message)) {
        // It ends a file of which the last bytes have come.
        this.place = message;
        this.fileOver = true;
      } else if (message.byteLength > 0)
        this.#chunk = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    }
    const chunk = this.#chunk;
    const part = chunk.subarray(0, size);
    this.#chunk = part.length < chunk.length ? chunk.subarray(size) : undefined;
    return part;
  }

  /**
   * Nobody wants the rest of a file that is read as a whole: nothing but the end is sent before it is over. What is
   * taken in here is not told, because more bytes would come then.
   */
  get left(): boolean {
    for (let message = this.#take(); message !== undefined; message = this.#take()) {
      if (message === 'end') this.over = true;
      else if (message === 'leave') this.#left = true;
    }
    return this.#left;
  }

  #take(): ToDemuxer | undefined {
    const received = receiveMessageOnPort(this.port) as { message: ToDemuxer } | undefined;
    if (received !== undefined) this.#received++;
    return received?.message;
  }

  #next(): ToDemuxer | undefined {
    const message = this.#take();
    if (message !== undefined) return message;
    if (this.#told !== this.#received) {
      this.#told = this.#received;
      this.port.postMessage({ type: 'hungry', fed: this.#received } satisfies FromDemuxer);
    }
    return undefined;
  }

  /** Waits for the first byte of a file, or for one as a whole (`place`). @returns false if none comes any more. */
  begin(): boolean {
    this.#left = false;
    for (;;) {
      if (this.place) return true;
      this.fileOver = false;
      const first = this.read(1);
      if (first !== null) {
        this.#unread(first);
        return true;
      }
      if (this.over) return false;
    }
  }

  #unread(first: Buffer): void {
    this.#chunk = this.#chunk === undefined ? first : Buffer.concat([first, this.#chunk]);
  }

  /** Passes over what is left of a file. */
  skip(): void {
    while (this.read(BUFFER) !== null);
  }
}

interface ReadHooks {
  /** It is open, and nothing was told of it. */
  readonly opened?: () => void;
  readonly mark?: (packet: NativePacket) => void;
}

class Demuxer {
  readonly #data: DemuxerData;
  readonly #wait: NativeWait;
  readonly #inbox: Inbox;
  /** Weight of what was sent so far, modulo 2^32. */
  #sent = 0;

  constructor(data: DemuxerData, wait: NativeWait) {
    this.#data = data;
    this.#wait = wait;
    this.#inbox = new Inbox(data.port, wait);
  }

  /** One stream after the other, until it is stopped: a thread is too dear to be started for every job. */
  run(): void {
    while (!this.#inbox.stopped) {
      this.#inbox.over = false;
      while (this.#inbox.begin()) this.#file();
      this.#tell({ type: 'end' });
    }
  }

  #file(): void {
    let failure: unknown;
    const { place } = this.#inbox;
    this.#inbox.place = undefined;
    try {
      if (place) this.#demuxWhole(place);
      else this.#demux();
    } catch (error) {
      failure = error;
    }
    this.#tell({ type: 'file-end', ...(failure === undefined ? {} : { error: packError(failure) }) });
    if (!place) this.#inbox.skip();
  }

  #demuxWhole(place: FilePlace): void {
    const options = this.#inputOptions;
    if ('path' in place) {
      this.#readAll(new Input({ ...options, path: place.path }), () => this.#inbox.left);
      return;
    }
    const source = new SourceReader(place.source, this.#data, this.#wait, {
      ahead: true,
      left: () => this.#inbox.left,
    });
    const { name } = place.source;
    try {
      const end = sourceEnd(source, name);
      withBytes(end, (io) => this.#readAll(new Input({ ...options, path: name, io }), () => source.left));
    } catch (error) {
      if (!source.left) throw error;
    } finally {
      source.close();
    }
  }

  get #inputOptions(): Omit<InputOptions, 'path' | 'io'> {
    const { format, options, required, protocolWhitelist } = this.#data;
    return { format, options, required, protocolWhitelist };
  }

  /**
   * Tells what it holds, and hands on its packets. It is closed then.
   * @param left Nobody wants the rest.
   */
  #readAll(input: Input, left: () => boolean, { opened, mark }: ReadHooks = {}): void {
    try {
      opened?.();
      this.#present(input);
      for (let packet = input.read(); packet !== 'end'; packet = input.read()) {
        if (left()) return;
        if (packet === 'again') continue;
        mark?.(packet);
        this.#send(...packetParts(packet));
      }
    } finally {
      input.close();
    }
  }

  #demux(): void {
    const { name } = this.#data;
    const check = new IndexCheck(name);
    const padding = new Mp3Padding();
    const tags = new WavPackTags();
    const read = (size: number): Buffer | null | 'broken' => {
      const came = this.#inbox.read(size);
      const bytes = came === null ? null : tags.pass(came);
      if (bytes !== null && !check.pass(bytes)) return 'broken';
      if (bytes !== null) padding.pass(bytes);
      return bytes;
    };
    const end: ByteEnd = { read, confirm: () => check.confirm() };
    withBytes(end, (io) => {
      const input = new Input({ ...this.#inputOptions, path: name, io });
      const sound = input.format === 'mp3' ? input.streams[0] : undefined;
      const mark = (packet: NativePacket): void => {
        if (sound) padding.mark(packet, sound.timeBase, sound.codecpar.sampleRate);
      };
      this.#readAll(input, () => this.#wait.stopped, { opened: () => check.confirm(), mark });
    });
  }

  #present(input: Input): void {
    const facts = fileFacts(input, this.#data, this.#data.options);
    input.keepOnly(facts.chosen.map(({ stream }) => stream));
    this.#tell({ type: 'file', facts });
  }

  /** Waits for room: a consumer that is slower than FFmpeg must not make the packets pile up. */
  #send(...[meta, parts]: ReturnType<typeof packetParts>): void {
    const size = weight(parts);
    this.#wait.until(() => {
      const open = (this.#sent - this.#wait.taken) | 0;
      return open === 0 || open + size <= OUTPUT_LIMIT ? true : undefined;
    });
    this.#sent = (this.#sent + size) | 0;
    this.#data.port.postMessage({ type: 'packet', meta, parts } satisfies FromDemuxer, ownBuffers(parts));
  }

  #tell(message: FromDemuxer): void {
    this.#data.port.postMessage(message);
  }
}

const data = workerData as DemuxerData;
const wait = NativeWait.attach(data.waits, data.slot, data.claim);
try {
  if (data.loglevel !== undefined) setLogLevel(data.loglevel);
  new Demuxer(data, wait).run();
} finally {
  wait.leave();
  data.port.close();
}
