/** The payload of subtitle streams: what is shown, from when to when. */
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { requireObject } from '../../schema/argument.js';
import { eventOf, parseEvent, plainText, withText, writeEvent } from './ass-text.js';

export interface SubtitleOptions {
  /** Microseconds. */
  start: number;
  /** Microseconds; the same as `start`: until the next one, or unknown. */
  end: number;
  /** What is to be read, lines divided by \n. It may be left out where `ass` says it. */
  text?: string | undefined;
  /**
   * The text with its styles in the form of ASS: an event as FFmpeg has it (`0,0,Default,,0,0,0,,{\i1}Hello`), or only its
   * text (`{\i1}Hello`).
   */
  ass?: string | undefined;
  /** The header of an ASS script, with the styles that `ass` names. Default: FFmpeg's, with the style `Default`. */
  header?: string | undefined;
}

/** As `toJSON` tells it. */
export interface SubtitleData {
  start: number;
  end: number;
  text: string;
  ass?: string;
  header?: string;
}

/** What a subtitle was decoded from: it is written like that again where nothing has changed. */
export interface SubtitleOrigin {
  /** FFmpeg's name of the codec. */
  readonly codec: string;
  /** Of the packet; undefined: the text is another one now. */
  readonly bytes: Uint8Array | undefined;
  /** Of the packet, such as the settings of a WebVTT cue; `type` is an AVPacketSideDataType. */
  readonly sideData: readonly { readonly type: number; readonly data: Uint8Array }[];
}

const origins = new WeakMap<Subtitle, SubtitleOrigin>();

export function originOf(subtitle: Subtitle): SubtitleOrigin | undefined {
  return origins.get(subtitle);
}

/** @returns the same subtitle. */
export function withOrigin(subtitle: Subtitle, origin: SubtitleOrigin | undefined): Subtitle {
  if (origin) origins.set(subtitle, origin);
  return subtitle;
}

/**
 * A text that is shown for a while. Decoders deliver them for text subtitles (SubRip, ASS, WebVTT, the text of MP4), modules
 * read and make them, and encoders write them. It does not change: `with` makes another one.
 *
 *     output.push(new Packet(new Subtitle({ start: 1_000_000, end: 3_500_000, text: 'Hello' })));
 *     output.push(new Packet(subtitle.with({ text: await translate(subtitle.text) })));
 */
export class Subtitle {
  readonly #data: Readonly<SubtitleData>;

  /**
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for times or texts that it cannot have, and if `text` and `ass` do not say
   * the same.
   */
  constructor(options: SubtitleOptions) {
    requireObject(options, 'what a Subtitle is made of', 'ERR_MILLRACE_PAYLOAD');
    const { start, end, ass, header } = options;
    requireTime('start', start);
    requireTime('end', end);
    if (end < start) refuse(`A Subtitle cannot end at ${end} µs, before it starts at ${start} µs`);
    for (const [name, value] of Object.entries({ text: options.text, ass, header })) {
      if (value === undefined || typeof value === 'string') continue;
      refuse(`${name} of a Subtitle cannot be ${describeValue(value)}`, 'It is a text');
    }
    const event = ass === undefined ? undefined : parseEvent(ass);
    const said = event && plainText(event.text);
    const text = options.text?.replace(/\r\n?/g, '\n') ?? said;
    if (text === undefined) refuse('A Subtitle needs a text');
    if (said !== undefined && !sameWords(said, text)) {
      refuse(`A Subtitle cannot say ${describeValue(text)} as text and ${describeValue(said)} as ass`, WITH);
    }
    this.#data = {
      ...{ start, end, text },
      ...(event && { ass: writeEvent(event) }),
      ...(header !== undefined && { header }),
    };
  }

  /** Microseconds. */
  get start(): number {
    return this.#data.start;
  }

  /** Microseconds; the same as `start`: until the next one, or unknown. */
  get end(): number {
    return this.#data.end;
  }

  /** What is to be read, without styles; lines are divided by \n. */
  get text(): string {
    return this.#data.text;
  }

  /** An event of ASS as FFmpeg has it, if there is more to say than the text: styles, places, who speaks. */
  get ass(): string | undefined {
    return this.#data.ass;
  }

  /** The header of the ASS script whose styles `ass` names; undefined: FFmpeg's own. */
  get header(): string | undefined {
    return this.#data.header;
  }

  /** That of its packet: `start`. */
  get timestamp(): number {
    return this.#data.start;
  }

  /**
   * The same subtitle with other times or another text. A text alone stays in the style and at the place of the one before:
   * only styles of single words are gone.
   */
  with(changes: Partial<SubtitleOptions>): Subtitle {
    requireObject(changes, 'what is to change of a Subtitle', 'ERR_MILLRACE_PAYLOAD');
    const { text, ass, header } = changes;
    const { ass: before, ...rest } = this.#data;
    const words = { ...rest, ...(before !== undefined && { ass: before }) };
    if (ass !== undefined) Object.assign(words, { text, ass });
    else if (text !== undefined) {
      const event = before === undefined ? undefined : withText(parseEvent(before), String(text));
      Object.assign(words, { text, ass: event && writeEvent(event) });
    }
    const { start = this.start, end = this.end } = changes;
    const made = new Subtitle({ ...words, start, end, ...(header !== undefined && { header }) });
    const origin = originOf(this);
    const changed = text !== undefined || ass !== undefined || header !== undefined;
    return withOrigin(made, origin && changed ? { ...origin, bytes: undefined } : origin);
  }

  toJSON(): SubtitleData {
    return { ...this.#data };
  }
}

/** The event that it stands for, in the default style if it is nothing but a text. */
export function eventOfSubtitle({ ass, text }: Pick<Subtitle, 'ass' | 'text'>): ReturnType<typeof parseEvent> {
  return ass === undefined ? withText(eventOf(''), text) : parseEvent(ass);
}

const WITH = 'subtitle.with({ text }) makes one with another text, and with({ ass }) one with other styles';

/** What is between words does not count. */
function sameWords(a: string, b: string): boolean {
  const words = (text: string): string => text.replace(/\s+/g, ' ').trim();
  return words(a) === words(b);
}

function requireTime(name: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  refuse(`${name} of a Subtitle cannot be ${describeValue(value)}`, `It is a number of microseconds. ${WITH}`);
}

function refuse(message: string, hint?: string): never {
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', message, hint === undefined ? {} : { hint });
}
