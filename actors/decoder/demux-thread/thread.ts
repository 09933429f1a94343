/**
 * Entry of the thread that demuxes for a decoder that is fed with bytes. FFmpeg asks for bytes through a callback that
 * must answer at once; so a thread of its own may sleep in it, and nobody else has to wait: not the event loop and the
 * other actors of the decoder's thread, and not libuv's pool, of which asynchronous calls would hold a thread each.
 *
 * Whoever ends this thread stops its slot of the table of native waits first: every wait then ends, the callback answers
 * with the end of the file, and FFmpeg returns.
 */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { packError } from '../../../src/errors/wire.js';
import { setLogLevel } from '../../../src/media/index.js';
import { NativeWait } from '../../../src/media/native/native-wait.js';
import { packetParts } from '../../../src/media/wire/packet.js';
import { BUFFER, type ByteEnd, withBytes } from '../../shared/byte-io.js';
import { fileFacts } from '../input/file-facts.js';
import { Input } from '../input/input.js';
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
  #chunk: Buffer | undefined;
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
      else if (message.byteLength > 0)
        this.#chunk = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    }
    const chunk = this.#chunk;
    const part = chunk.subarray(0, size);
    this.#chunk = part.length < chunk.length ? chunk.subarray(size) : undefined;
    return part;
  }

  #next(): ToDemuxer | undefined {
    const received = receiveMessageOnPort(this.port) as { message: ToDemuxer } | undefined;
    if (received !== undefined) {
      this.#received++;
      return received.message;
    }
    if (this.#told !== this.#received) {
      this.#told = this.#received;
      this.port.postMessage({ type: 'hungry', fed: this.#received } satisfies FromDemuxer);
    }
    return undefined;
  }

  /** Waits for the first byte of a file. @returns false if none comes any more. */
  begin(): boolean {
    for (;;) {
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
    try {
      this.#demux();
    } catch (error) {
      failure = error;
    }
    this.#tell({ type: 'file-end', ...(failure === undefined ? {} : { error: packError(failure) }) });
    this.#inbox.skip();
  }

  #demux(): void {
    const { name, format, options, required, protocolWhitelist } = this.#data;
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
      const input = new Input({ path: name, io, format, options, required, protocolWhitelist });
      try {
        check.confirm();
        this.#present(input);
        const sound = input.format === 'mp3' ? input.streams[0] : undefined;
        for (let packet = input.read(); packet !== 'end'; packet = input.read()) {
          if (this.#wait.stopped) return;
          if (packet === 'again') continue;
          if (sound) padding.mark(packet, sound.timeBase, sound.codecpar.sampleRate);
          this.#send(...packetParts(packet));
        }
      } finally {
        input.close();
      }
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
