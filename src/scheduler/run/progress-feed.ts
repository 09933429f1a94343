/**
 * Who is told of the progress of a run, and when: about four times a second, from when somebody listens until the run ends,
 * and once at its end.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import { clearInterval, setInterval } from '../../../ringbuffer/clock.js';
import type { Progress } from './report.js';

const PROGRESS_INTERVAL_MS = 250;

/** Tells whoever subscribes of the progress of every graph, as { graph: name, progress }. */
const channel = diagnosticsChannel.channel('millrace:progress');

export class ProgressFeed {
  private readonly listeners = new Set<(progress: Progress) => void>();
  private timer: NodeJS.Timeout | undefined;
  /** The last progress is about to be told. */
  private ending = false;
  /** It has been. */
  private over = false;

  /**
   * @param measure how far the run is.
   * @param hook the program's own listener.
   */
  constructor(
    private readonly graph: string,
    private readonly measure: () => Progress,
    private readonly hook: ((progress: Progress) => void) | undefined,
  ) {}

  /** The run has begun. */
  start(): void {
    if (this.hook !== undefined || channel.hasSubscribers) this.watch();
  }

  private watch(): void {
    if (this.ending) return;
    this.timer ??= setInterval(() => this.tell(), PROGRESS_INTERVAL_MS);
  }

  /** Nothing is told any more but the last of it, which `end` tells. */
  stop(): void {
    this.ending = true;
    clearInterval(this.timer);
  }

  end(): void {
    this.tell();
    this.over = true;
  }

  /** The run was refused: there is nothing to tell of it. */
  abandon(): void {
    this.over = true;
  }

  /** The progress as it is told, the latest whenever somebody asks; ends with the run, however that ends. */
  async *stream(): AsyncGenerator<Progress, void, undefined> {
    let latest: Progress | undefined;
    let told = (): void => {};
    const listener = (progress: Progress): void => {
      latest = progress;
      told();
    };
    if (this.over) return;
    this.listeners.add(listener);
    this.watch();
    try {
      for (;;) {
        if (latest === undefined) {
          if (this.over) return;
          await new Promise<void>((resolve) => {
            told = resolve;
          });
        }
        const progress = latest;
        latest = undefined;
        if (progress !== undefined) yield progress;
      }
    } finally {
      this.listeners.delete(listener);
    }
  }

  private tell(): void {
    const progress = this.measure();
    for (const listener of this.listeners) listener(progress);
    if (channel.hasSubscribers) channel.publish({ graph: this.graph, progress });
    this.hook?.(progress);
  }
}
