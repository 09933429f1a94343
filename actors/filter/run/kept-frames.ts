/**
 * What a filter graph of several inputs holds inside, so that another one can go on where it stops: nothing of a stream is lost
 * or comes twice when options change, an input comes, or the format of one changes.
 *
 * Filters that go by times (overlay, hstack) hold the picture of each input that is shown now. Of every video input but the
 * first its last picture is kept, which such filters only read; a reference more would have them copy the first one, into
 * which they draw, so that it is kept only while a change is to come (`armed`). The graph is changed when all that has gone in
 * on the first has come out (`isSettled`).
 *
 * Filters that go by samples (amix) take as many of every input as they give. So of what was fed the last
 * `fed - given` samples of each input are still inside, and are fed once more.
 *
 * Where something else stands between that changes the number of samples, nothing of the sound is kept: it is lost as in ffmpeg, but
 * nothing is doubled.
 */
import type { AVSampleFormat } from 'node-av/constants';
import { avGetBytesPerSample } from 'node-av/lib';
import { AudioFrame, framesOf, rescale, type VideoFrame } from '../../../src/media/index.js';
import { factsOf } from '../catalogue.js';
import type { Plan } from '../plan/plan.js';
import type { MediaFrame } from './take-frame.js';

/** Filters that give sample for sample what they take, beside those of which a frame alone decides. */
const SAMPLE_TRUE = new Set(['aformat', 'asetpts', 'asettb', 'channelmap', 'pan']);
/** Frames of sound of one input that are kept at most: more never wait inside of a mixer. */
const MOST = 256;

interface Sound {
  readonly frames: AudioFrame[];
  /** Samples in `frames`. */
  kept: number;
  /** Samples that have gone in since the graph was made, and how many there are in a second. */
  fed: number;
  rate: number;
}

export class KeptFrames {
  /** A change is to come: the last picture of every input is kept. */
  armed = false;
  readonly #pictures = new Map<number, VideoFrame>();
  readonly #sounds = new Map<number, Sound>();
  /** Seconds of sound that have come out. */
  #given = 0;
  #joinsPictures = false;
  #joinsSamples = false;
  /** The input whose pictures others are put into, and the time of the last one that went in since a change is to come. */
  #first: number | undefined;
  #firstTime: number | undefined;

  /** A graph was made: counts begin. What was kept of the one before is released. */
  begin(plan: Plan): void {
    this.release();
    const { filters, pads, inputs } = plan;
    const several = inputs.size > 1;
    const joining = filters.filter((_, i) => pads[i]!.inputs.length > 1);
    const known = several && joining.every(({ name }) => factsOf(name).joins !== undefined);
    const sampleTrue = ({ name }: { readonly name: string }): boolean =>
      factsOf(name).joins === 'samples' || factsOf(name).stateless !== undefined || SAMPLE_TRUE.has(name);
    this.#joinsPictures = known;
    this.#joinsSamples = known && plan.outputs.size === 1 && filters.every(sampleTrue);
    const kind = (id: number): string | undefined => {
      const [pad] = inputs.get(id)!;
      return pads[pad!.filter]!.inputs[pad!.pad];
    };
    this.#first = [...inputs.keys()].sort((a, b) => a - b).find((id) => kind(id) === 'video');
  }

  /** A frame is about to go in. */
  feeding(id: number, frame: MediaFrame): void {
    if (frame instanceof AudioFrame) {
      if (this.#joinsSamples) this.#feedingSound(id, frame);
    } else if (this.#joinsPictures && (this.armed || id !== this.#first)) {
      if (id === this.#first) this.#firstTime = frame.timestamp;
      this.#pictures.get(id)?.close();
      this.#pictures.delete(id);
      // Of pictures on a device there are only so many.
      if (framesOf(frame.av) === undefined) this.#pictures.set(id, frame.clone());
    }
  }

  #feedingSound(id: number, frame: AudioFrame): void {
    let sound = this.#sounds.get(id);
    if (sound === undefined) {
      sound = { frames: [], kept: 0, fed: 0, rate: frame.sampleRate };
      this.#sounds.set(id, sound);
    }
    sound.frames.push(frame.clone());
    sound.kept += frame.samples;
    sound.fed += frame.samples;
    if (sound.frames.length > MOST) dropFirst(sound);
  }

  /** A frame has come out. */
  given(frame: MediaFrame): void {
    if (!this.#joinsSamples || !(frame instanceof AudioFrame)) return;
    this.#given += frame.samples / frame.sampleRate;
    for (const sound of this.#sounds.values()) {
      for (let first = sound.frames[0]; first !== undefined; first = sound.frames[0]) {
        if (sound.kept - first.samples < this.#inside(sound)) break;
        dropFirst(sound);
      }
    }
  }

  #inside({ fed, rate }: Sound): number {
    return Math.max(0, fed - Math.round(this.#given * rate));
  }

  /** Nothing would be lost if the graph were changed now, as far as its first pictures are concerned. */
  isSettled(reached: number, isLive: (input: number) => boolean): boolean {
    if (!this.#joinsPictures || this.#first === undefined || !isLive(this.#first)) return true;
    return this.#firstTime !== undefined && this.#firstTime <= reached;
  }

  isFirst(input: number): boolean {
    return input === this.#first;
  }

  /** What is inside of the graph, in order, by input; the caller's to feed or to close. */
  take(): Map<number, MediaFrame[]> {
    const taken = new Map<number, MediaFrame[]>();
    for (const [id, picture] of this.#pictures) taken.set(id, [picture]);
    this.#pictures.clear();
    for (const [id, sound] of this.#sounds) {
      const inside = this.#inside(sound);
      const { frames } = sound;
      const surplus = sound.kept - inside;
      const [first] = frames;
      if (first !== undefined && surplus > 0) {
        if (surplus < first.samples) frames[0] = withoutBeginning(first, surplus);
        else frames.shift();
        first.close();
      }
      taken.set(id, frames);
    }
    this.#sounds.clear();
    return taken;
  }

  release(): void {
    for (const picture of this.#pictures.values()) picture.close();
    this.#pictures.clear();
    for (const { frames } of this.#sounds.values()) for (const frame of frames) frame.close();
    this.#sounds.clear();
    this.#given = 0;
    this.#firstTime = undefined;
    this.armed = false;
  }
}

function dropFirst(sound: Sound): void {
  const first = sound.frames.shift();
  if (first === undefined) return;
  sound.kept -= first.samples;
  first.close();
}

/** A copy of the samples behind the first ones, at their time. */
function withoutBeginning(frame: AudioFrame, samples: number): AudioFrame {
  const { sampleRate, format, channelLayout, timeBase, pts } = frame;
  const rest = AudioFrame.alloc({ sampleRate, format, channelLayout, samples: frame.samples - samples });
  rest.copyProps(frame);
  const bytes = avGetBytesPerSample(frame.av.format as AVSampleFormat) * (frame.planar ? 1 : frame.channels);
  const from = frame.planes();
  for (const [i, { data }] of rest.planes().entries()) {
    data.set(from[i]!.data.subarray(samples * bytes, frame.samples * bytes).subarray(0, data.length));
  }
  if (pts !== undefined && timeBase.num > 0) {
    rest.pts = pts + rescale(BigInt(samples), { num: 1, den: sampleRate }, timeBase);
  }
  rest.duration = rescale(
    BigInt(rest.samples),
    { num: 1, den: sampleRate },
    timeBase.num > 0 ? timeBase : { num: 1, den: sampleRate },
  );
  return rest;
}
