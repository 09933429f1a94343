/**
 * NNStreamer's tensor_mux as its program works, not as a rule: GStreamer's GstCollectPads, which decides when the element
 * looks at its pads, and the element's own functions, in C's arithmetic of 64 bits. After gstcollectpads.c of GStreamer
 * 1.22 (gst_collect_pads_chain, _event_default, _check_collected, _pop, _set_waiting), gsttensor_mux.c and
 * nnstreamer_plugin_api_impl.c of NNStreamer 2.7 (gst_tensor_time_sync_*). Where threads of several pads could go on at
 * the same time, the one that was freed first does.
 */
import type { SyncMode } from '../../src/sync/index.js';
import type { Arrival } from './model.js';

export interface Shown {
  pts: bigint;
  /** Per pad the place of the buffer. */
  places: number[];
  /** Index of the arrival by which it came. */
  at: number;
}

export interface Watched {
  rows: Shown[];
  /** Index of the arrival by which the end of the output came; undefined if it never did. */
  end: number | undefined;
  /** Index of the arrival in which it began to loop without end. */
  hung: number | undefined;
}

interface Buffer {
  place: number;
  pts: bigint;
}

interface CollectData {
  /** What upstream has for the pad: buffers and the end (undefined). */
  upstream: (Buffer | undefined)[];
  buffer: Buffer | undefined;
  waiting: boolean;
  eos: boolean;
  /** `pad->buffer`: the buffer that was used last. */
  kept: Buffer | undefined;
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
/** ABS (GST_CLOCK_DIFF (a, b)), of type gint64. */
const distance = (a: bigint, b: bigint): bigint => {
  const difference = BigInt.asIntN(64, b - a);
  return BigInt.asIntN(64, difference < 0n ? -difference : difference);
};

/** More looks without an arrival than pads can have buffers: it does not end. */
const MOST_LOOKS = 1000;
class Hung extends Error {}

export class TensorMux {
  private readonly pads: CollectData[];
  private readonly refreshes: boolean;
  private queuedPads = 0;
  private eosPads = 0;
  private currentTime = 0n;
  private needSetTime = true;
  private readonly freed: CollectData[] = [];
  private looks = 0;
  private at = 0;
  private readonly seen: Watched = { rows: [], end: undefined, hung: undefined };

  /** @param duration nanoseconds, of which C keeps 32 bits. */
  constructor(
    private readonly mode: SyncMode,
    pads: number,
    private readonly basePad: number,
    private readonly duration: bigint,
  ) {
    this.refreshes = mode === 'refresh';
    this.pads = Array.from({ length: pads }, () => ({
      upstream: [],
      buffer: undefined,
      waiting: !this.refreshes,
      eos: false,
      kept: undefined,
    }));
    if (this.refreshes) this.queuedPads = pads;
  }

  watch(pads: readonly bigint[][], arrivals: readonly Arrival[]): Watched {
    try {
      for (const [at, { pad, place }] of arrivals.entries()) {
        this.at = at;
        this.looks = 0;
        this.arrive(this.pads[pad]!, place === undefined ? undefined : { place, pts: pads[pad]![place]! });
        if (this.seen.end !== undefined) break;
      }
    } catch (error) {
      if (!(error instanceof Hung)) throw error;
      this.seen.hung = this.at;
    }
    return this.seen;
  }

  /** Something comes down the pad's thread, which may be held in the chain function by the buffer before it. */
  private arrive(data: CollectData, item: Buffer | undefined): void {
    data.upstream.push(item);
    if (data.buffer === undefined && data.upstream.length === 1) this.freed.push(data);
    for (let next = this.freed.shift(); next !== undefined; next = this.freed.shift()) {
      if (next.upstream.length === 0 || this.seen.end !== undefined) continue;
      const first = next.upstream.shift();
      if (first === undefined) this.event(next);
      else this.chain(next, first);
    }
  }

  private chain(data: CollectData, buffer: Buffer): void {
    this.setWaiting(false); // gst_tensor_mux_do_clip
    if (data.waiting) this.queuedPads++;
    data.buffer = buffer;
    this.checkCollected();
  }

  private event(data: CollectData): void {
    this.setWaiting(false); // gst_tensor_mux_sink_event
    data.eos = true;
    if (!data.waiting) this.queuedPads--;
    this.eosPads++;
    this.checkCollected();
  }

  private setWaiting(waiting: boolean): void {
    if (!this.refreshes) return; // the pads are locked
    for (const data of this.pads) {
      if (data.waiting === waiting) continue;
      data.waiting = waiting;
      if (data.buffer === undefined && !data.eos) this.queuedPads += waiting ? -1 : 1;
    }
  }

  private checkCollected(): void {
    if (this.eosPads === this.pads.length) {
      this.collected();
      return;
    }
    while (this.queuedPads + this.eosPads >= this.pads.length) {
      if (!this.collected() || this.queuedPads === 0) return;
    }
  }

  private pop(data: CollectData): Buffer | undefined {
    const { buffer } = data;
    if (buffer === undefined) return undefined;
    data.buffer = undefined;
    if (data.waiting) this.queuedPads--;
    this.freed.push(data);
    return buffer;
  }

  /** gst_tensor_mux_collected. @returns false for GST_FLOW_EOS */
  private collected(): boolean {
    if (++this.looks > MOST_LOOKS) throw new Hung();
    const result = this.collectBuffer();
    this.setWaiting(true);
    if (result === 'eos') {
      this.seen.end = this.at;
      return false;
    }
    if (result === 'again') return true;
    this.seen.rows.push({ pts: this.currentTime, places: result.map(({ place }) => place), at: this.at });
    this.needSetTime = true;
    return true;
  }

  private collectBuffer(): Buffer[] | 'eos' | 'again' {
    if (this.needSetTime) {
      if (this.getCurrentTime()) return 'eos';
      this.needSetTime = false;
    }
    return this.bufferFromCollectPads();
  }

  private isEos(empty: number): boolean {
    return this.refreshes ? empty === this.pads.length : empty > 0;
  }

  private getCurrentTime(): boolean {
    let empty = 0;
    for (const [count, { buffer }] of this.pads.entries()) {
      if (buffer === undefined) empty++;
      else if (this.mode === 'basepad' ? count === this.basePad : this.currentTime < buffer.pts) {
        this.currentTime = buffer.pts;
      }
    }
    return this.isEos(empty);
  }

  private bufferFromCollectPads(): Buffer[] | 'eos' | 'again' {
    let baseTime = 0n;
    if (this.mode === 'basepad') {
      const { buffer, kept } = this.pads[this.basePad]!;
      if (buffer !== undefined && kept !== undefined) {
        const before = distance(buffer.pts, kept.pts) - 1n;
        const duration = BigInt.asUintN(32, this.duration);
        baseTime = unsigned(duration < before ? duration : before);
      }
    }
    const inputs: Buffer[] = [];
    let empty = 0;
    for (const data of this.pads) {
      let buffer: Buffer | undefined;
      if (this.mode === 'nosync') buffer = this.pop(data);
      else if (this.mode === 'refresh') {
        buffer = this.pop(data);
        if (buffer === undefined) {
          if (data.kept === undefined) return 'again';
          empty++;
          inputs.push(data.kept);
          continue;
        }
        data.kept = buffer;
      } else {
        if (!this.update(data, baseTime)) return 'again';
        buffer = data.kept;
      }
      if (buffer === undefined) empty++;
      else inputs.push(buffer);
    }
    return this.isEos(empty) ? 'eos' : inputs;
  }

  /** _gst_tensor_time_sync_buffer_update */
  private update(data: CollectData, baseTime: bigint): boolean {
    const { buffer, kept } = data;
    const { currentTime } = this;
    if (buffer === undefined) return true;
    if (buffer.pts < currentTime) {
      data.kept = this.pop(data);
      return false;
    }
    const isKept =
      kept !== undefined &&
      (this.mode === 'slowest'
        ? distance(currentTime, kept.pts) < distance(currentTime, buffer.pts)
        : unsigned(distance(currentTime, buffer.pts)) > baseTime);
    if (!isKept) data.kept = this.pop(data);
    return true;
  }
}
