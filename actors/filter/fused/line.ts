/**
 * Stages in a row, moved by a loop instead of by calling one another: a chain of a thousand is as deep as one of two.
 * At most one frame is on its way at any time, so that a stage is asked for a frame only when all behind it are empty.
 */
import type { MediaFrame } from '../run/take-frame.js';

/** 'hungry': a frame or the end must be given first; 'later': the call has done enough. */
export type Step = MediaFrame | 'hungry' | 'later' | 'end';

/** What the stages of a chain share. */
export interface Progress {
  /** The member at work: whom to blame for an error. */
  at: number;
  /** Frames that may still move between stages in this call. */
  moves: number;
}

export interface Stage {
  /** The input has ended, or nothing more is taken on it. */
  readonly full: boolean;
  step(): Step;
  /** Takes the frame over. Only when `step` has answered 'hungry'. */
  give(frame: MediaFrame): void;
  /** No frame follows. Only when `step` has answered 'hungry'. */
  end(): void;
  release(): void;
}

export function isFrame(step: Step): step is MediaFrame {
  return typeof step !== 'string';
}

export class Line implements Stage {
  constructor(
    readonly stages: readonly Stage[],
    private readonly progress: Progress,
  ) {}

  get full(): boolean {
    return this.stages.some((stage) => stage.full);
  }

  step(): Step {
    const { stages, progress } = this;
    const last = stages.length - 1;
    for (let at = last; ; ) {
      const step = stages[at]!.step();
      if (step === 'later') return step;
      if (step === 'hungry') {
        if (at === 0) return step;
        at--;
        continue;
      }
      if (at === last) return step;
      at++;
      if (step === 'end') stages[at]!.end();
      else {
        stages[at]!.give(step);
        if (--progress.moves <= 0) return 'later';
      }
    }
  }

  give(frame: MediaFrame): void {
    this.stages[0]!.give(frame);
  }

  end(): void {
    this.stages[0]!.end();
  }

  release(): void {
    for (const stage of this.stages) stage.release();
  }
}
