/** Draws subtitles that are pictures, scaled from their screen to the video. */
import {
  type EncodedPacket,
  isTimeBase,
  MICROSECONDS,
  rescale,
  type StreamInfo,
  VideoFrame,
} from '../../src/media/index.js';
import type { Drawer } from './drawer.js';
import { Overlay, type Placement } from './overlay.js';
import type { Display, Picture, PictureDecoder } from './pictures/display.js';
import { DvbDecoder } from './pictures/dvb.js';
import { DvdDecoder } from './pictures/dvd.js';
import { PgsDecoder } from './pictures/pgs.js';
import { sourceFor } from './shape.js';

/** @returns undefined for subtitles that cannot be drawn. */
export function pictureDecoder({ codec, extradata }: StreamInfo): PictureDecoder | undefined {
  if (codec === 'hdmv_pgs_subtitle') return new PgsDecoder();
  if (codec === 'dvd_subtitle') return new DvdDecoder(extradata);
  return codec === 'dvb_subtitle' ? new DvbDecoder(extradata) : undefined;
}

interface Packed {
  /** Microseconds. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

export class PictureDrawer implements Drawer {
  readonly #decoder: PictureDecoder;
  /** Packets that are not decoded yet: pictures take much more memory than they. */
  readonly #packed: Packed[];
  /** What is shown, and what comes next. */
  #display: Display | undefined;
  #next: Display | undefined;
  #overlay: Overlay | undefined;
  #shape = '';
  /** The time of the last picture. */
  #last = Number.NEGATIVE_INFINITY;

  constructor(decoder: PictureDecoder, packets: readonly Packed[]) {
    this.#decoder = decoder;
    this.#packed = [...packets].sort((a, b) => a.start - b.start);
  }

  draw(frame: VideoFrame): VideoFrame | undefined {
    const time = frame.timestamp;
    if (time === undefined) return undefined;
    // What was there before is decoded no second time.
    this.#last = Math.max(this.#last, time);
    this.#goTo(this.#last);
    const display = this.#display;
    if (!display || display.pictures.length === 0) return undefined;
    if (time < display.start || time >= (display.end ?? Number.POSITIVE_INFINITY)) return undefined;
    const shape = sourceFor(frame);
    if (!this.#overlay || shape !== this.#shape) {
      this.#overlay?.close();
      this.#overlay = overlayOf(display, frame, this.#decoder.isSquare);
      this.#shape = shape;
    }
    return VideoFrame.wrap(this.#overlay.draw(frame), { frameRate: frame.frameRate });
  }

  #goTo(time: number): void {
    for (;;) {
      while (!this.#next && this.#packed.length > 0) {
        const { bytes, start } = this.#packed.shift()!;
        this.#next = this.#decoder.decode(bytes, start);
      }
      if (!this.#next || this.#next.start > time) return;
      this.#display = this.#next;
      this.#next = undefined;
      this.#overlay?.close();
      this.#overlay = undefined;
    }
  }

  close(): void {
    this.#overlay?.close();
    this.#overlay = undefined;
    this.#packed.length = 0;
  }
}

/** @param unit of times that a packet counts in where it does not say. */
export function packed(packet: EncodedPacket, unit: StreamInfo['timeBase']): Packed {
  const timeBase = isTimeBase(packet.timeBase) ? packet.timeBase : unit;
  return { start: Number(rescale(packet.pts ?? packet.dts ?? 0n, timeBase, MICROSECONDS)), bytes: packet.data };
}

function overlayOf({ pictures, screen }: Display, main: VideoFrame, isSquare: boolean): Overlay {
  const whole = joined(pictures);
  const place = placed(whole, screen ?? main, main, isSquare);
  const { width, height } = whole;
  const top = VideoFrame.from(whole.rgba, { width, height, format: 'rgba', pts: main.pts, timeBase: main.timeBase });
  try {
    return new Overlay(main, top, place);
  } finally {
    top.close();
  }
}

/** One picture with all others in it. */
function joined(pictures: readonly Picture[]): Picture {
  const [first] = pictures;
  if (pictures.length === 1) return first!;
  const left = Math.min(...pictures.map(({ x }) => x));
  const top = Math.min(...pictures.map(({ y }) => y));
  const width = Math.max(...pictures.map((picture) => picture.x + picture.width)) - left;
  const height = Math.max(...pictures.map((picture) => picture.y + picture.height)) - top;
  const rgba = new Uint8Array(width * height * 4);
  for (const picture of pictures) {
    for (let row = 0; row < picture.height; row++) {
      const to = ((picture.y - top + row) * width + picture.x - left) * 4;
      rgba.set(picture.rgba.subarray(row * picture.width * 4, (row + 1) * picture.width * 4), to);
    }
  }
  return { x: left, y: top, width, height, rgba };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * From a place on the screen of the subtitles to one in the video. Of a video whose black bars were cut off the screen is
 * higher than the picture: nothing is squeezed then, and what would be in the bars comes into the picture.
 */
export function placed(picture: Placement, screen: Size, video: Size, isSquare: boolean): Placement {
  const across = video.width / screen.width;
  const hasNoBars = isSquare && screen.height * across > video.height * 1.01;
  const down = hasNoBars ? across : video.height / screen.height;
  const shift = hasNoBars ? (video.height - screen.height * down) / 2 : 0;
  const width = Math.max(1, Math.round(picture.width * across));
  const height = Math.max(1, Math.round(picture.height * down));
  const y = Math.round(picture.y * down + shift);
  return {
    x: Math.round(picture.x * across),
    y: hasNoBars ? Math.max(0, Math.min(y, video.height - height)) : y,
    width,
    height,
  };
}
