/** The progress of a run on a terminal: a bar where the duration is known, else a line of figures. */
import { SingleBar } from 'cli-progress';
import { isLogging } from '../media/ffmpeg.js';
import type { Progress } from '../scheduler/run/report.js';
import { clock } from './text.js';

/** Of a run, or of two passes together. */
export type ShownProgress = Progress & { readonly pass?: 1 | 2 };

export class ProgressDisplay {
  private bar: SingleBar | undefined;
  private ended = false;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  update(progress: ShownProgress): void {
    if (this.ended || (!progress.position && progress.frames === 0)) return;
    if (isLogging()) {
      // FFmpeg's messages go to the same terminal: a line that rewrites itself would be torn up by them.
      this.end();
      return;
    }
    const { frames, fps, position = 0, duration = 0, speed, eta, pass, percent = 0 } = progress;
    const known = duration > 0;
    const total = !known ? 1 : pass === undefined ? duration : 100;
    const done = pass === undefined ? Math.min(position, total) : percent;
    const prefix = pass === undefined ? '' : 'pass {pass} of 2  ';
    const figures = {
      pass,
      frames,
      fps: fps === undefined ? '-' : Math.round(fps),
      speed: speed?.toPrecision(3) ?? '-',
      time: clock(position / 1e6),
      left: eta === undefined ? '-:--' : clock(eta / 1000),
    };
    if (this.bar === undefined) {
      this.bar = new SingleBar({
        stream: this.stream,
        format: known
          ? `{bar} {percentage}%  ${prefix}{frames} frames  {fps} fps  {speed}x  ETA {left}`
          : `{time}  ${prefix}{frames} frames  {fps} fps  {speed}x`,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 30,
        hideCursor: true,
        clearOnComplete: true,
      });
      this.bar.start(total, 0, figures);
    }
    this.bar.update(known ? done : 0, figures);
  }

  /** Takes the line off the terminal. */
  end(): void {
    this.ended = true;
    this.bar?.stop();
    this.bar = undefined;
  }
}
