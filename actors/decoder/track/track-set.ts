/** The tracks of a decoder that are still wanted: what comes of them, their ends, and what was left out of them. */
import { Packet, StreamInfo } from '../../../src/media/index.js';
import type { ModuleContext, Task } from '../../../src/module/contract.js';
import type { DecoderOptions } from '../options.js';
import { Pacer } from '../time/pace.js';
import type { Track } from './track.js';

/** A packet on its way to an output. */
export interface Ready {
  readonly output: number;
  readonly packet: Packet;
}

export class TrackSet {
  #tracks: Track[] = [];
  /** Outputs that have ended. */
  readonly #over = new Set<number>();
  /** Those among them whose end has not been sent yet. */
  #ended: number[] = [];
  #finished = { corrupt: 0, refused: 0, missing: 0n, unreadable: 0 };
  #barren: string[] = [];
  readonly #ctx: ModuleContext<DecoderOptions>;
  /** Of the input, in messages. */
  readonly #name: string;
  readonly #pacer: Pacer | undefined;

  constructor(ctx: ModuleContext<DecoderOptions>, name: string) {
    this.#ctx = ctx;
    this.#name = name;
    this.#pacer = ctx.options.realtime ? new Pacer(ctx) : undefined;
  }

  /** Those that are still wanted. */
  get list(): readonly Track[] {
    return this.#tracks;
  }

  /** Those of a stream of the input: several outputs may have the same. */
  of(index: number): readonly Track[] {
    const tracks: Track[] = [];
    for (const track of this.#tracks) if (track.index === index) tracks.push(track);
    return tracks;
  }

  /** All that are to be waited for have what they want of the range. */
  get rangeEnded(): boolean {
    let [isLasting, isOver] = [false, true];
    for (const { isSparse, rangeEnded, full } of this.#tracks) {
      if (!isSparse) isLasting = true;
      if (rangeEnded || full) continue;
      if (!isSparse) return false;
      isOver = false;
    }
    return isLasting || isOver;
  }

  /** Takes the ownership of tracks. */
  add(tracks: readonly Track[]): void {
    this.#tracks.push(...tracks);
  }

  /** Closes tracks that have all their frames, or whose consumers have left. */
  dropFinished(task: Task): void {
    for (const track of [...this.#tracks]) if (track.full || task.output(track.output).closed) this.leave(track);
  }

  /** Closes a track; its output ends with the next delivery. */
  leave(track: Track): void {
    this.release(track);
    this.end(track.output);
  }

  /** Closes a track whose stream is over. */
  complete(track: Track): void {
    this.release(track, true);
    this.end(track.output);
  }

  /**
   * Closes a track whose output goes on.
   * @param complete Its stream is over, and nobody left early.
   */
  release(track: Track, complete = false): void {
    this.#tracks = this.#tracks.filter((other) => other !== track);
    // Pictures that are too large are told of by their number.
    if (complete && track.barren > 0 && track.refused === 0) {
      this.#barren.push(`nothing came of its ${track.kind}: none of ${track.barren} packets could be used`);
    }
    this.#finished.corrupt += track.corrupt;
    this.#finished.refused += track.refused;
    this.#finished.missing += track.missing;
    this.#finished.unreadable += track.unreadable;
    track.close();
  }

  /** An output ends with the next delivery. */
  end(output: number): void {
    if (this.#over.has(output)) return;
    this.#over.add(output);
    this.#ended.push(output);
  }

  /** Nothing more is wanted for it, or nothing comes. */
  isOver(output: number): boolean {
    return this.#over.has(output);
  }

  /** Packets that could not be decoded so far. */
  get corrupt(): number {
    return this.#finished.corrupt + this.#tracks.reduce((sum, track) => sum + track.corrupt, 0);
  }

  /** Hands packets on, at the speed of their timestamps if that is wanted, then the ends of outputs. */
  deliver(ready: readonly Ready[], task: Task): void | Promise<void> {
    this.#ctx.meter.corrupt = this.corrupt;
    if (this.#pacer) return this.#deliverPaced(ready, task, this.#pacer);
    this.#count(ready);
    for (const { output, packet } of ready) task.output(output).push(packet);
    this.#deliverEnds(task);
  }

  async #deliverPaced(ready: readonly Ready[], task: Task, pacer: Pacer): Promise<void> {
    for (const [i, item] of ready.entries()) {
      if (await pacer.due(item.packet.timestamp)) {
        this.#count([item]);
        task.output(item.output).push(item.packet);
        continue;
      }
      for (const { packet } of ready.slice(i)) packet.close();
      return;
    }
    this.#deliverEnds(task);
  }

  /** Counts what is about to be handed on. */
  #count(ready: readonly Ready[]): void {
    const { meter } = this.#ctx;
    let { position, frames } = meter;
    for (const { output, packet } of ready) {
      const time = packet.timestamp;
      if (time !== undefined && time > position) position = time;
      if (output === 0 && !(packet.payload instanceof StreamInfo)) frames++;
    }
    meter.position = position;
    meter.frames = frames;
  }

  #deliverEnds(task: Task): void {
    for (const id of this.#ended.splice(0)) if (!task.output(id).closed) task.output(id).push(Packet.eof());
  }

  /** Says once what was left out. */
  report(): void {
    const { corrupt, refused, missing, unreadable } = this.#finished;
    const { log } = this.#ctx;
    if (corrupt > 0) log.warn(`${this.#name}: ${corrupt} damaged packets could not be decoded and were left out`);
    if (refused > 0) log.warn(`${this.#name}: ${refused} pictures larger than max_width_height were left out`);
    if (missing > 0n) {
      const seconds = Number(missing) / 1e6;
      log.warn(`${this.#name}: the first ${seconds} s of video are missing: there is no key frame to decode them from`);
    }
    if (unreadable > 0) {
      const which = "say which it is: dec_params: { sub_charenc: 'windows-1252' }";
      log.warn(`${this.#name}: ${unreadable} subtitles are not in UTF-8, and letters of them are lost (${which})`);
    }
    this.#finished = { corrupt: 0, refused: 0, missing: 0n, unreadable: 0 };
    for (const text of this.#barren.splice(0)) {
      log.warn(`${this.#name}: ${text} (they are outside the time asked for, or no key frame is before them)`);
    }
  }

  close(): void {
    for (const track of [...this.#tracks]) this.release(track);
    this.#ended = [];
    this.report();
  }
}
