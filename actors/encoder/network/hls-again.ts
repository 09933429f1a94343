/**
 * An hls output whose peer was lost. It consists of files, and what opens it anew must neither write over those that are there nor
 * give two of them one number. So the playlist is looked at first, which also says whether the peer is back: where it can be
 * read FFmpeg goes on in it, with a discontinuity in between (`append_list`); a server that takes files and gives none gets
 * numbers behind all that can have been used.
 */
import { access, constants } from 'node:fs/promises';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { dirname } from 'node:path';
import { AV_NOPTS_VALUE, AV_PKT_FLAG_KEY } from 'node-av/constants';
import { MillraceError } from '../../../src/errors/errors.js';
import { refusalOf } from '../../../src/errors/file-error.js';
import { messageOf } from '../../../src/errors/wire.js';
import { localPath } from '../../shared/location.js';
import type { EncoderOptions } from '../options.js';
import type { Target } from '../output/format.js';
import type { PacketOrder } from './backlog.js';
import type { ToWriter } from './protocol.js';

/** ms that a server has for an answer. One that has taken the connection is there, whatever it says. */
const ANSWER_WITHIN = 2000;
const CONNECT_WITHIN = 5000;
/** FFmpeg's own, in seconds. */
const HLS_TIME = 2;
/** Seconds of a segment of which it is not known how long it will be: nobody makes shorter ones. */
const SHORTEST = 0.1;

export class HlsAgain {
  readonly #target: Target;
  readonly #options: EncoderOptions;
  readonly #streams = new Map<number, ToWriter & { readonly type: 'stream' }>();
  /** Seconds: the first time that came, and the last one. */
  #first: number | undefined;
  #last = 0;
  /** When the muxer at work got its first packet. */
  #began: number | undefined;

  /** @returns undefined for what is no such output. */
  static of(target: Target, options: EncoderOptions): HlsAgain | undefined {
    return isHls(target) && options.reconnect ? new HlsAgain(target, options) : undefined;
  }

  private constructor(target: Target, options: EncoderOptions) {
    this.#target = target;
    this.#options = options;
  }

  add(stream: ToWriter & { readonly type: 'stream' }): void {
    this.#streams.set(stream.input, stream);
  }

  /** A packet has come, whatever becomes of it. */
  came(order: PacketOrder): void {
    const time = this.#secondsOf(order);
    if (time === undefined) return;
    this.#first ??= time;
    this.#last = Math.max(this.#last, time);
  }

  /** A packet was written. @returns whether that says that the peer has taken a segment: before, nothing is sent. */
  wrote(order: PacketOrder): boolean {
    const time = this.#secondsOf(order);
    if (time === undefined) return false;
    this.#began ??= time;
    const hasVideo = [...this.#streams.values()].some(({ kind }) => kind === 'video');
    const isVideo = this.#streams.get(order.input)?.kind === 'video';
    const ends = isVideo ? (order.meta.flags & AV_PKT_FLAG_KEY) !== 0 : !hasVideo;
    return ends && time - this.#began >= this.#segment;
  }

  #secondsOf({ input, meta: { pts, dts } }: PacketOrder): number | undefined {
    const time = pts === AV_NOPTS_VALUE ? dts : pts;
    const { num, den } = this.#streams.get(input)?.timeBase ?? { num: 0, den: 0 };
    return time === AV_NOPTS_VALUE || den === 0 ? undefined : (Number(time) * num) / den;
  }

  /** Seconds. */
  get #segment(): number {
    const { hls_time: time = HLS_TIME, hls_init_time: first = time } = this.#options.mux_params ?? {};
    const shorter = Math.min(Number(time), Number(first) || Number(time));
    return Number.isFinite(shorter) && shorter > 0 ? Math.max(shorter, SHORTEST) : SHORTEST;
  }

  /**
   * The options for the next muxer.
   * @throws MillraceError ERR_MILLRACE_OUTPUT while the peer is not back.
   */
  async options(signal: AbortSignal): Promise<EncoderOptions> {
    const isReadable = await this.#look(signal);
    this.#began = undefined;
    const { mux_params: given = {} } = this.#options;
    const flag = isReadable ? 'append_list' : 'discont_start';
    const flags = given.hls_flags === undefined ? flag : `${given.hls_flags}+${flag}`;
    return { ...this.#options, mux_params: { ...given, hls_flags: flags, ...(!isReadable && this.#numbers(given)) } };
  }

  /** A list that goes on by the clock does so by itself. */
  #numbers({ start_number: start = 0, hls_start_number_source: source }: Readonly<Record<string, unknown>>): object {
    if (source !== undefined && source !== 'generic' && Number(source) !== 0) return {};
    const elapsed = this.#last - (this.#first ?? this.#last);
    return { start_number: Number(start) + Math.floor(elapsed / this.#segment) + 1 };
  }

  /** @returns whether the playlist can be read. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { path, name } = this.#target;
    const file = localPath(path);
    try {
      if (file === undefined) return await answers(new URL(path.replaceAll('%v', '0')), signal);
      await access(dirname(file), constants.W_OK);
      return true;
    } catch (cause) {
      const why = refusalOf(cause)?.why ?? messageOf(cause);
      throw new MillraceError('ERR_MILLRACE_OUTPUT', `Cannot reach ${name}: ${why}`, { cause });
    }
  }
}

export function isHls({ muxer }: Target): boolean {
  return muxer.name === 'hls';
}

/** @throws MillraceError ERR_MILLRACE_OPTION for a list that cannot be gone on with. */
export function refuseWholeLists({
  mux_params: { hls_flags: flags, hls_playlist_type: type } = {},
}: EncoderOptions): void {
  const whole = String(flags ?? '').includes('single_file')
    ? 'hls_flags: single_file'
    : type !== undefined && type !== 'event' && Number(type) !== 1
      ? `hls_playlist_type: ${type}`
      : undefined;
  if (whole === undefined) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `reconnect: with ${whole} there is one file at the end, or none`, {
    hint: 'Leave one of them out',
  });
}

/**
 * Whether a server gives the playlist back.
 * @throws Error if it cannot be reached.
 */
function answers(url: URL, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? getSecure : getPlain;
    // FFmpeg does not look at certificates either, unless it is told to.
    const request = get(url, { signal, rejectUnauthorized: false, agent: false, timeout: CONNECT_WITHIN }, (answer) => {
      let text = '';
      answer.setEncoding('latin1').on('data', (piece: string) => {
        text += piece;
        if (text.length >= 7) answer.destroy();
      });
      answer.on('error', () => {});
      answer.on('close', () => resolve(answer.statusCode === 200 && text.startsWith('#EXTM3U')));
    });
    let connected = false;
    request.on('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
        request.setTimeout(ANSWER_WITHIN);
      });
    });
    request.on('timeout', () => request.destroy(new Error(`it did not answer within ${CONNECT_WITHIN} ms`)));
    request.on('error', (error) => {
      if (connected && !signal.aborted) resolve(false);
      else reject(error);
    });
  });
}
