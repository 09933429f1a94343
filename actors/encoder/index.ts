/**
 * `c_ffmpeg_encoder`: frames of input 0 (video), input 1 (audio) and those that `input_kinds` names become a file, or its bytes, or packets on its
 * outputs (`push_output`). Encoded packets on an input, led by their StreamInfo, are copied into it as they are. In a graph
 * that serves jobs every job has an output of its own. Names and meanings of the options are BMF's; times, frame rates and
 * conversions follow the ffmpeg command.
 */
import { MillraceError } from '../../src/errors/errors.js';
import { closeIdleDevices, setLogLevel } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { refusePortProblems } from '../../src/schema/schema.js';
import { SourceListener } from '../shared/source-facts.js';
import { changeOf } from './change.js';
import { Encoding } from './encoding.js';
import { type EncoderOptions, encoderOptions, encoderPortProblems, PUSH } from './options.js';
import { FrameOutput } from './output/frame-output.js';

export default class FFmpegEncoder implements Module<EncoderOptions> {
  static readonly schema = encoderOptions;

  #ctx!: ModuleContext<EncoderOptions>;
  /** Undefined between two jobs: the next one's output is prepared with the first packets. */
  #output: Encoding | FrameOutput | undefined;
  #sources: SourceListener | undefined;

  /**
   * Refuses what can be refused without a frame: options, codecs, formats, paths. The file is created with the first
   * frames, so that an older one stays as it is if the graph does not get that far.
   * @throws MillraceError ERR_MILLRACE_OPTION or ERR_MILLRACE_OUTPUT.
   */
  init(ctx: ModuleContext<EncoderOptions>): void {
    const { options } = ctx;
    if (options.passlogfile !== undefined && options.pass === undefined) {
      ctx.log.warn('passlogfile has no effect without pass');
    }
    // What the first of two passes makes is nothing but statistics.
    const first = { ...options, null_output: true, push_output: PUSH.file };
    this.#ctx = options.pass === 1 ? Object.create(ctx, { options: { value: first } }) : ctx;
    if (options.loglevel) setLogLevel(options.loglevel);
    if (ctx.inputs.length === 0) {
      throw new MillraceError(
        'ERR_MILLRACE_CONFIG',
        'The encoder has input 0 (video) and input 1 (audio), but no input is connected',
      );
    }
    refusePortProblems(encoderPortProblems(options, ctx));
    if (options.output_prefix !== undefined && ctx.job === 0) {
      throw new MillraceError('ERR_MILLRACE_OPTION', 'output_prefix: there are no jobs here to number files by', {
        hint: 'graph.serve() has jobs; otherwise give output_path',
      });
    }
    this.#sources = new SourceListener(ctx);
    this.#output = this.#begin();
  }

  wants(): readonly number[] | undefined {
    return this.#output instanceof Encoding ? this.#output.wants() : undefined;
  }

  process(task: Task): void | Promise<void> {
    this.#output ??= this.#begin();
    return this.#output.process(task);
  }

  /**
   * Other rates, or other key frames, from the next picture on.
   * @throws MillraceError ERR_MILLRACE_OPTION naming what cannot be changed: then everything is as it was.
   */
  dynamicReset(given: Readonly<Record<string, unknown>>): void {
    const change = changeOf(given);
    if (this.#output instanceof FrameOutput) {
      throw new MillraceError('ERR_MILLRACE_OPTION', 'push_output 3 encodes nothing: there is nothing to change');
    }
    this.#output ??= this.#begin() as Encoding;
    this.#output.change(change);
  }

  reset(): void | Promise<void> {
    const output = this.#output;
    this.#output = undefined;
    return output?.close();
  }

  /** Also ends a file that was begun when the graph stops early: what was encoded so far can be played. */
  close(): void | Promise<void> {
    this.#sources?.close();
    const closing = this.reset();
    // One that was looked for and never used.
    closeIdleDevices();
    return closing;
  }

  #begin(): Encoding | FrameOutput {
    return this.#ctx.options.push_output === PUSH.frames
      ? new FrameOutput(this.#ctx)
      : new Encoding(this.#ctx, this.#sources);
  }
}
