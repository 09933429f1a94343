import type { VideoFrame } from '../../src/media/index.js';

/** Draws the subtitles of one stream. */
export interface Drawer {
  /** @returns a new picture, or undefined where nothing is to be drawn. The frame stays the caller's. */
  draw(frame: VideoFrame): VideoFrame | undefined;
  close(): void;
}
