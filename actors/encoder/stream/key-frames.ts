/**
 * Which pictures are coded as key frames by order: `force_key_frames` of the ffmpeg command (forced_kf_apply in
 * fftools/ffmpeg_enc.c), and the picture type a user has set on a frame.
 */
import {
  AV_FRAME_FLAG_KEY,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_GRAY8,
  type AVPictureType,
} from 'node-av/constants';
import { Frame } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { describeValue } from '../../../src/errors/naming.js';
import { allocPicture } from '../../../src/media/frame/picture-memory.js';
import { meantPictureType } from '../../../src/media/frame/picture-type.js';
import { check, ledger, MICROSECONDS, type Rational, type VideoFrame } from '../../../src/media/index.js';
import { didYouMean } from '../../../src/schema/schema.js';
import { FilterLine } from '../../shared/filter-line.js';
import type { Placement } from './video-sync.js';

/** Where key frames are wanted; times in microseconds, ascending. */
type Order = { readonly times: readonly bigint[] } | { readonly expression: string } | 'source';

/**
 * The variables of the ffmpeg command by their names in FFmpeg's `select` filter, which counts what it has selected in the
 * same way. So the expression is evaluated by FFmpeg itself, with its functions and with what st() keeps.
 */
const VARIABLES: Readonly<Record<string, string>> = {
  n: 'n',
  t: 't',
  n_forced: 'selected_n',
  prev_forced_n: 'prev_selected_n',
  prev_forced_t: 'prev_selected_t',
};
const CONSTANTS = ['PI', 'E', 'PHI', 'QP2LAMBDA', 'nan', 'NAN', 'inf', 'INF'];

const FORMS =
  "Give times ('0,2.5,00:01:00'), an expression of n, t, n_forced, prev_forced_n and prev_forced_t " +
  "('expr:gte(t,n_forced*2)'), or 'source' for the key frames of the input";

function refuse(what: string, hint = FORMS): MillraceError {
  return new MillraceError('ERR_MILLRACE_OPTION', `force_key_frames: ${what}`, { hint });
}

/** @throws MillraceError ERR_MILLRACE_OPTION for what is no order. */
function parseOrder(text: string): Order {
  if (text === 'source' || text === 'source_no_drop') return 'source';
  if (text.startsWith('expr:')) return { expression: translate(text.slice('expr:'.length)) };
  const times = text.split(',').map((part) => {
    if (part.trim().startsWith('chapters')) {
      throw refuse("'chapters' are not known here: the chapters of an input are not read", 'Give their times instead');
    }
    const time = parseTime(part.trim());
    if (time === undefined) throw refuse(`${describeValue(part)} is no time`);
    return time;
  });
  return { times: times.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)) };
}

/** A duration as av_parse_time reads it: [-][[hh:]mm:]ss[.f], or a number with s, ms or us. */
function parseTime(text: string): bigint | undefined {
  const clock = /^(-?)(?:(?:(\d+):)?(\d{1,2}):)(\d{1,2}(?:\.\d*)?)$/.exec(text);
  if (clock) {
    const seconds = Number(clock[2] ?? 0) * 3600 + Number(clock[3]) * 60 + Number(clock[4]);
    return BigInt(Math.round((clock[1] ? -seconds : seconds) * 1e6));
  }
  const plain = /^(-?\d+(?:\.\d*)?|-?\.\d+)(s|ms|us)?$/.exec(text);
  if (!plain) return undefined;
  const unit = plain[2] === 'us' ? 1 : plain[2] === 'ms' ? 1e3 : 1e6;
  return BigInt(Math.round(Number(plain[1]) * unit));
}

function translate(expression: string): string {
  if (expression.trim() === '') throw refuse('the expression is empty');
  // Names that are neither functions nor parts of numbers such as 1e3 and 2k.
  return expression.replace(/(?<![\w.])[A-Za-z_]\w*(?![\w]|\s*\()/g, (name) => {
    if (Object.hasOwn(VARIABLES, name)) return VARIABLES[name]!;
    if (CONSTANTS.includes(name)) return name;
    throw refuse(`'${name}' is no variable`, didYouMean(name, Object.keys(VARIABLES), FORMS));
  });
}

/** Checks an order before there is a frame. @throws MillraceError ERR_MILLRACE_OPTION. */
export function checkKeyFrames(text: string): void {
  const order = parseOrder(text);
  if (typeof order === 'object' && 'expression' in order) new Expression(order.expression, MICROSECONDS).close();
}

/** An expression as FFmpeg evaluates it, once for each frame in turn. */
class Expression {
  readonly #frame: Frame;
  readonly #filter: FilterLine;

  constructor(expression: string, { num, den }: Rational) {
    const source = `video_size=2x2:pix_fmt=gray:time_base=${num}/${den}:pixel_aspect=1/1`;
    const quoted = expression.replace(/[\\':]/g, '\\$&');
    const what = `force_key_frames: FFmpeg does not understand the expression`;
    this.#filter = new FilterLine('video', source, [['select', `expr=${quoted}`]], what);
    this.#frame = new Frame();
    this.#frame.alloc();
    ledger.opened('scratch-frame');
    const picture = allocPicture(AV_PIX_FMT_GRAY8, 2, 2);
    try {
      check(this.#frame.ref(picture), 'Cannot reference a frame');
    } finally {
      picture.free();
    }
  }

  /** @param pts Ticks since the first frame. */
  holds(pts: bigint): boolean {
    let selected = false;
    this.#frame.pts = pts;
    this.#filter.push(this.#frame, () => {
      selected = true;
    });
    return selected;
  }

  close(): void {
    this.#filter.close();
    this.#frame.free();
    ledger.closed('scratch-frame');
  }
}

/** The picture types of one stream, frame by frame in the order of the encoder. */
export class PictureTypes {
  #order: Order | undefined;
  readonly #timeBase: Rational;
  #expression: Expression | undefined;
  /** The next picture is ordered, whatever it is. */
  #isDue = false;
  /** Time of the picture before. */
  #last: bigint | undefined;
  #first: bigint | undefined;
  #nextTime = 0;
  /** Of a frame that has not been shown yet; of one that never is, it goes to the next. */
  #pending: AVPictureType = AV_PICTURE_TYPE_NONE;
  #pendingKey = false;
  /** Times of frames that were ordered as key frames and have not come out as such. */
  readonly #ordered = new Set<bigint>();
  #orders = 0;

  /** @param timeBase Of the encoder. */
  constructor(order: string | undefined, timeBase: Rational) {
    this.#timeBase = timeBase;
    if (order !== undefined) this.follow(order);
  }

  /** The next picture is to be a key frame. */
  orderNext(): void {
    this.#isDue = true;
  }

  /** Another order from the next picture on: times that have passed are not made up for, and an expression counts anew. */
  follow(order: string): void {
    const parsed = parseOrder(order);
    this.#order = parsed;
    this.#expression?.close();
    this.#first = undefined;
    this.#expression =
      typeof parsed === 'object' && 'expression' in parsed
        ? new Expression(parsed.expression, this.#timeBase)
        : undefined;
    const last = this.#last;
    const past = (time: bigint): boolean => last !== undefined && reached(last, this.#timeBase, time);
    this.#nextTime = typeof parsed === 'object' && 'times' in parsed ? parsed.times.filter(past).length : 0;
  }

  /** A frame has been placed. @param source undefined at the end. */
  begin(source: VideoFrame | undefined, { previous, total }: Placement): (copy: number, pts: bigint) => AVPictureType {
    const av = source?.av;
    const own = av ? meantPictureType(av) : AV_PICTURE_TYPE_NONE;
    const key = av !== undefined && (av.flags & AV_FRAME_FLAG_KEY) !== 0;
    const types = { before: this.#pending, key: this.#pendingKey };
    const shown = total > previous;
    if (total > 0) {
      this.#pending = AV_PICTURE_TYPE_NONE;
      this.#pendingKey = false;
    }
    if (!shown) {
      this.#pending = own === AV_PICTURE_TYPE_NONE ? this.#pending : own;
      this.#pendingKey ||= key;
    }
    return (copy, pts) => {
      const isOwn = copy === previous && shown;
      let type: AVPictureType = copy === 0 ? types.before : AV_PICTURE_TYPE_NONE;
      if (isOwn && own !== AV_PICTURE_TYPE_NONE) type = own;
      if (this.#forced(pts, (isOwn && key) || (copy === 0 && types.key))) type = AV_PICTURE_TYPE_I;
      if (type === AV_PICTURE_TYPE_I) {
        this.#ordered.add(pts);
        this.#orders++;
      }
      return type;
    };
  }

  #forced(pts: bigint, isKey: boolean): boolean {
    this.#first ??= pts;
    this.#last = pts;
    if (this.#isDue) {
      this.#isDue = false;
      return true;
    }
    const order = this.#order;
    if (order === undefined) return false;
    if (order === 'source') return isKey;
    if (this.#expression) return this.#expression.holds(pts - this.#first);
    const time = 'times' in order ? order.times[this.#nextTime] : undefined;
    if (time === undefined || !reached(pts, this.#timeBase, time)) return false;
    this.#nextTime++;
    return true;
  }

  /** A key frame came out of the encoder. */
  coded(pts: bigint): void {
    this.#ordered.delete(pts);
  }

  /** A frame is not encoded after all. */
  forget(pts: bigint): void {
    if (this.#ordered.delete(pts)) this.#orders--;
  }

  /** What became of the orders, if not all were followed. */
  get complaint(): string | undefined {
    const missed = this.#ordered.size;
    if (missed === 0) return undefined;
    return `${missed} of ${this.#orders} frames that were to be key frames were not coded as such`;
  }

  close(): void {
    this.#expression?.close();
  }
}

/** av_compare_ts(…) >= 0 against a time in microseconds: exact, without rounding. */
function reached(pts: bigint, { num, den }: Rational, time: bigint): boolean {
  return pts * BigInt(num) * 1_000_000n >= time * BigInt(den);
}
