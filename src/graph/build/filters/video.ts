/** The common video filters as methods; all others through `filter()`. Options: https://ffmpeg.org/ffmpeg-filters.html */

import type { NodeHandle, Stream, StreamTuple } from '../stream.js';
import { AudioFilters, type FadeOptions, type TrimOptions } from './audio.js';
import type { Call, Named, Rate, Size, Time } from './call.js';

export interface ScaleOptions {
  /** Width; -1 or -2 keeps the aspect, -2 with an even number. */
  w?: Size;
  h?: Size;
  /** Scaler, e.g. 'bicubic' (default), 'lanczos', 'fast_bilinear'. */
  flags?: string;
  force_original_aspect_ratio?: 'disable' | 'decrease' | 'increase';
}

export interface OverlayOptions {
  /** Position of the upper left corner, or an expression such as 'main_w-overlay_w-10'. */
  x?: Size;
  y?: Size;
  /** What happens when the overlay ends. */
  eof_action?: 'repeat' | 'endall' | 'pass';
  shortest?: boolean;
  repeatlast?: boolean;
  /** Expression in `t` (seconds) that switches it on, e.g. 'between(t,1,3)'. */
  enable?: string;
}

export abstract class VideoFilters extends AudioFilters {
  /** Size of the picture in pixels. FFmpeg `scale`. */
  scale(...args: Call<[width: Size, height: Size], ScaleOptions>): NodeHandle {
    return this.filter('scale', ...args);
  }

  /** Constant frame rate by repeating and dropping frames. FFmpeg `fps`. */
  fps(...args: Call<[fps: Rate], { fps?: Rate; round?: 'zero' | 'inf' | 'down' | 'up' | 'near' }>): NodeHandle {
    return this.filter('fps', ...args);
  }

  /** Upside down. FFmpeg `vflip`. */
  vflip(named: Named = {}): NodeHandle {
    return this.filter('vflip', named);
  }

  /** Left and right exchanged. FFmpeg `hflip`. */
  hflip(named: Named = {}): NodeHandle {
    return this.filter('hflip', named);
  }

  /** Keeps one part of the video; the decoder behind it ends when the part does. FFmpeg `trim`. */
  trim(
    ...args: Call<[start: Time] | [start: Time, end: Time], TrimOptions & { start_frame?: number; end_frame?: number }>
  ): NodeHandle {
    return this.filter('trim', ...args);
  }

  /** Changes timestamps by an expression, e.g. 'PTS-STARTPTS' or '0.5*PTS'. FFmpeg `setpts`. */
  setpts(...args: Call<[expr: string], { expr?: string }>): NodeHandle {
    return this.filter('setpts', ...args);
  }

  /** Puts the picture on a larger one, at x:y. FFmpeg `pad`. */
  pad(
    ...args: Call<
      [width: Size, height: Size] | [width: Size, height: Size, x: Size, y: Size],
      { width?: Size; height?: Size; x?: Size; y?: Size; color?: string }
    >
  ): NodeHandle {
    return this.filter('pad', ...args);
  }

  /** Cuts out a rectangle, by default from the middle. FFmpeg `crop`. */
  crop(
    ...args: Call<
      [width: Size, height: Size] | [width: Size, height: Size, x: Size, y: Size],
      { w?: Size; h?: Size; x?: Size; y?: Size }
    >
  ): NodeHandle {
    return this.filter('crop', ...args);
  }

  /** Lays another video or picture over this one. FFmpeg `overlay`. */
  overlay(other: Stream, named: Named<OverlayOptions> = {}): NodeHandle {
    return this.filter('overlay', other, named);
  }

  /** The same video several times: `const [a, b] = stream.split(2)`. FFmpeg `split`. */
  split<const N extends number = 2>(outputs?: N, named: Named = {}): StreamTuple<N> {
    const count = outputs ?? (2 as N);
    return this.filter('split', count, named).outputs(count);
  }

  /** Repeats a part: `loop` further times (-1 endless) of `size` frames from `start`. FFmpeg `loop`. */
  loop(
    ...args: Call<
      [loop: number, size: number] | [loop: number, size: number, start: number],
      { loop?: number; size?: number; start?: number }
    >
  ): NodeHandle {
    return this.filter('loop', ...args);
  }

  /** Fades to or from a colour (black). FFmpeg `fade`. */
  fade(
    ...args: Call<
      [type: 'in' | 'out'] | [type: 'in' | 'out', start_frame: number, nb_frames: number],
      FadeOptions & { start_frame?: number; nb_frames?: number; color?: string; alpha?: boolean }
    >
  ): NodeHandle {
    return this.filter('fade', ...args);
  }

  /** Writes text into the picture; `text` may hold any character. FFmpeg `drawtext`. */
  drawtext(
    named: Named<{
      text?: string;
      fontfile?: string;
      fontsize?: Size;
      fontcolor?: string;
      x?: Size;
      y?: Size;
      /** 'none' takes % and \ in the text as they are. */
      expansion?: 'none' | 'normal' | 'strftime';
    }>,
  ): NodeHandle {
    return this.filter('drawtext', named);
  }

  /** Draws a rectangle; `t: 'fill'` fills it. FFmpeg `drawbox`. */
  drawbox(named: Named<{ x?: Size; y?: Size; w?: Size; h?: Size; color?: string; t?: Size }>): NodeHandle {
    return this.filter('drawbox', named);
  }

  /** Turns by an angle in radians (expression: 'PI/4'), clockwise. FFmpeg `rotate`. */
  rotate(...args: Call<[angle: Size], { angle?: Size; out_w?: Size; out_h?: Size; fillcolor?: string }>): NodeHandle {
    return this.filter('rotate', ...args);
  }

  /** Turns by 90 degrees. FFmpeg `transpose`. */
  transpose(
    ...args: Call<
      [dir: 'cclock_flip' | 'clock' | 'cclock' | 'clock_flip' | 0 | 1 | 2 | 3],
      { dir?: string | number; passthrough?: 'none' | 'portrait' | 'landscape' }
    >
  ): NodeHandle {
    return this.filter('transpose', ...args);
  }

  /** Allows only these pixel formats, e.g. 'yuv420p'; FFmpeg converts as needed. FFmpeg `format`. */
  format(...args: Call<[pix_fmts: string | readonly string[]], { pix_fmts?: string | readonly string[] }>): NodeHandle {
    return this.filter('format', ...args);
  }

  /** Shape of a pixel, e.g. '1/1'. FFmpeg `setsar`. */
  setsar(...args: Call<[sar: number | string], { sar?: number | string }>): NodeHandle {
    return this.filter('setsar', ...args);
  }

  /** Shape of the picture, e.g. '16/9'. FFmpeg `setdar`. */
  setdar(...args: Call<[dar: number | string], { dar?: number | string }>): NodeHandle {
    return this.filter('setdar', ...args);
  }

  /** This picture and others side by side. `inputs` is filled in. FFmpeg `hstack`. */
  hstack(others: Stream | readonly Stream[], named: Named<{ shortest?: boolean }> = {}): NodeHandle {
    return this.joined('hstack', others, named);
  }

  /** This picture and others below each other. `inputs` is filled in. FFmpeg `vstack`. */
  vstack(others: Stream | readonly Stream[], named: Named<{ shortest?: boolean }> = {}): NodeHandle {
    return this.joined('vstack', others, named);
  }

  /** Keeps the frames for which an expression is not 0, e.g. 'not(mod(n,10))'. FFmpeg `select`. */
  select(...args: Call<[expr: string], { expr?: string }>): NodeHandle {
    return this.filter('select', ...args);
  }

  /** Adds frames at the beginning or the end. FFmpeg `tpad`. */
  tpad(
    named: Named<{
      start?: number;
      stop?: number;
      start_duration?: Time;
      stop_duration?: Time;
      start_mode?: 'add' | 'clone';
      stop_mode?: 'add' | 'clone';
    }>,
  ): NodeHandle {
    return this.filter('tpad', named);
  }

  /** Makes whole pictures of interlaced ones. FFmpeg `yadif`. */
  yadif(named: Named<{ mode?: string | number; parity?: string | number; deint?: string | number }> = {}): NodeHandle {
    return this.filter('yadif', named);
  }

  /** Brightness, contrast, saturation, gamma. FFmpeg `eq`. */
  eq(named: Named<{ brightness?: Size; contrast?: Size; saturation?: Size; gamma?: Size }>): NodeHandle {
    return this.filter('eq', named);
  }
}
