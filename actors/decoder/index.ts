/**
 * c_ffmpeg_decoder: output 0 is video, 1 is audio. It reads a file or URL (`input_path`), or demuxes the bytes that come
 * on input 0, or decodes the packets that come there one by one (`push_raw_stream`). Frames, timestamps and their order
 * are those of the ffmpeg command with the same settings; names and types of the options are BMF's.
 */

import { setLogLevel } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { refusePortProblems } from '../../src/schema/schema.js';
import { LiveDecoder } from './live/decoder.js';
import { type DecoderOptions, decoderOptions, decoderPortProblems } from './options.js';
import type { DecoderSource } from './source.js';
import { present } from './source.js';
import { BytesDecoder } from './sources/bytes.js';
import { FileDecoder } from './sources/file.js';
import { RawDecoder } from './sources/packets.js';

export default class FFmpegDecoder implements Module<DecoderOptions> {
  static readonly schema = decoderOptions;
  readonly schema = decoderOptions;
  #ctx: ModuleContext<DecoderOptions> | undefined;
  #source: DecoderSource | undefined;
  #isOpen = false;

  /** @throws MillraceError ERR_MILLRACE_CONFIG, ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION; FFmpegError. */
  init(ctx: ModuleContext<DecoderOptions>): void {
    this.#ctx = ctx;
    if (ctx.options.loglevel) setLogLevel(ctx.options.loglevel);
    this.#source = sourceFor(ctx);
    this.#isOpen = false;
    if (!ctx.options.delay_init_input) this.#open();
  }

  /** What it reads. */
  #open(): DecoderSource {
    const source = present(this.#source);
    if (!this.#isOpen) source.open();
    this.#isOpen = true;
    return source;
  }

  process(task: Task): void | Promise<void> {
    return this.#open().process(task);
  }

  wants(): readonly number[] | undefined {
    return this.#source?.wants?.();
  }

  drain(): void {
    this.#source?.drain?.();
  }

  reset(): void | Promise<void> {
    const ctx = present(this.#ctx);
    const source = this.#source;
    const next = source?.renew?.();
    if (next) {
      this.#source = next;
      return source?.close();
    }
    const closing = this.close();
    if (closing) return closing.then(() => this.init(ctx));
    this.init(ctx);
  }

  close(): void | Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    return source?.close();
  }
}

function sourceFor(ctx: ModuleContext<DecoderOptions>): DecoderSource {
  const { options, inputs } = ctx;
  refusePortProblems(decoderPortProblems(options, ctx));
  if (inputs.length === 0) return options.live || options.reconnect ? new LiveDecoder(ctx) : new FileDecoder(ctx);
  return options.push_raw_stream ? new RawDecoder(ctx) : new BytesDecoder(ctx);
}
