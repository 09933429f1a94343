/** Brings the pictures of a filter graph to where its filters work, and opens the devices for that. */
import type { HardwareDeviceContext } from 'node-av/lib';
import {
  type ChosenDevice,
  type Device,
  type DeviceKind,
  downloading,
  openDevice,
  uploadable,
  uploading,
} from '../../../src/media/index.js';
import type { FilterSpec } from '../plan/filter-spec.js';
import { deviceOf, formatBehind, needsDevice, type Place, placeBehind, wantedPlace } from '../plan/places.js';
import { type FilterPads, ONE_PICTURE, type Plan } from '../plan/plan.js';
import type { Pad } from '../plan/wiring.js';
import type { StreamFormat } from './stream-format.js';

/** A plan in which pictures are brought to and fro, and what its filters work on. */
export interface PlacedPlan {
  readonly plan: Plan;
  /** By the index of the filter. */
  readonly devices: ReadonlyMap<number, HardwareDeviceContext>;
  /** What was put in, in words; [] for nothing. */
  readonly moves: readonly string[];
  release(): void;
}

interface Spot {
  readonly place: Place;
  /** Name of the format that the picture has in main memory, as far as it is known. */
  readonly format: string | undefined;
}

/**
 * @param chosen The device that the node was told to use: for filters of its kind, and for `hwupload`.
 * @throws FFmpegError ERR_MILLRACE_OPTION for a device that cannot be opened.
 */
export function place(
  plan: Plan,
  formats: ReadonlyMap<number, StreamFormat>,
  chosen: ChosenDevice | undefined,
): PlacedPlan {
  const onDevice = [...formats.values()].some(({ frames }) => frames !== undefined);
  if (!onDevice && !needsDevice(plan.filters)) return { plan, devices: new Map(), moves: [], release() {} };
  const placing = new Placing(plan, formats, chosen);
  try {
    return placing.placed();
  } catch (error) {
    placing.release();
    throw error;
  }
}

class Placing {
  readonly #filters: FilterSpec[];
  readonly #pads: FilterPads[];
  readonly #links: { from: Pad; to: Pad }[] = [];
  readonly #devices = new Map<number, HardwareDeviceContext>();
  readonly #opened = new Map<DeviceKind, Device>();
  readonly #moves: string[] = [];
  readonly #spots = new Map<number, Spot>();

  constructor(
    private readonly plan: Plan,
    private readonly formats: ReadonlyMap<number, StreamFormat>,
    private readonly chosen: ChosenDevice | undefined,
  ) {
    this.#filters = [...plan.filters];
    this.#pads = [...plan.pads];
  }

  release(): void {
    for (const device of this.#opened.values()) device.release();
    this.#opened.clear();
  }

  placed(): PlacedPlan {
    const { plan } = this;
    const inputs = new Map(
      [...plan.inputs].map(([id, pads]) => [id, pads.map((pad) => this.#lead(this.#cameOn(id), pad))] as const),
    );
    for (const { from, to } of plan.links) {
      const first = this.#isVideo(to) ? this.#lead(this.#behind(from.filter), to) : to;
      this.#links.push({ from, to: first });
    }
    plan.filters.forEach(({ name }, index) => {
      const kind = deviceOf(name) ?? (/^hw(upload|map)/.test(name) ? this.#uploadsTo(index) : undefined);
      if (kind !== undefined) this.#devices.set(index, this.#device(kind));
    });
    const whole: Plan = { ...plan, filters: this.#filters, pads: this.#pads, links: this.#links, inputs };
    return { plan: whole, devices: this.#devices, moves: this.#moves, release: () => this.release() };
  }

  #isVideo({ filter, pad }: Pad): boolean {
    return this.plan.pads[filter]?.inputs[pad] === 'video';
  }

  #cameOn(id: number): Spot {
    const format = this.formats.get(id);
    if (format?.frames === undefined) return { place: 'main', format: format?.pixels };
    return { place: format.frames.kind ?? 'main', format: format.frames.softwareFormat };
  }

  /** Where the pictures of a filter are. */
  #behind(filter: number): Spot {
    const known = this.#spots.get(filter);
    if (known) return known;
    const spec = this.plan.filters[filter]!;
    const link = this.plan.links.find(({ to }) => to.filter === filter && this.#isVideo(to));
    const input = [...this.plan.inputs].find(([, pads]) =>
      pads.some((pad) => pad.filter === filter && this.#isVideo(pad)),
    );
    const came = link ? this.#behind(link.from.filter) : input ? this.#cameOn(input[0]) : undefined;
    const wanted = wantedPlace(spec.name);
    // By then they have been brought to where it wants them.
    const uploads = spec.name === 'hwupload' ? this.#uploadsTo(filter) : undefined;
    const before =
      came && wanted !== undefined ? { place: wanted, format: this.#formatAt(uploads ?? wanted, came) } : came;
    const place = placeBehind(spec, before?.place, this.#uploadsTo(filter));
    // Filters keep the format where they can; before pictures go to a device it is made sure of (#lead).
    const format = formatBehind(spec) ?? before?.format;
    const spot = { place, format };
    this.#spots.set(filter, spot);
    return spot;
  }

  /** The device of an `hwupload` or `hwmap`: the node's, or that of the next filter that has one. */
  #uploadsTo(filter: number): DeviceKind | undefined {
    if (this.chosen) return this.chosen.kind;
    const next = this.plan.links.find(({ from }) => from.filter === filter)?.to.filter;
    if (next === undefined) return undefined;
    return deviceOf(this.plan.filters[next]!.name) ?? this.#uploadsTo(next);
  }

  /** @returns the pad to which the pictures are linked so that they come to `pad` at the right place. */
  #lead({ place, format }: Spot, pad: Pad): Pad {
    if (!this.#isVideo(pad)) return pad;
    const { name } = this.plan.filters[pad.filter]!;
    const wanted = wantedPlace(name) ?? place;
    const uploads = name === 'hwupload' ? this.#uploadsTo(pad.filter) : undefined;
    if (wanted === place && uploads === undefined) return pad;
    const steps: (readonly [name: string, args: string])[] = [];
    if (place !== 'main' && wanted !== place) {
      steps.push(...downloading(format ?? 'nv12'));
      this.#moves.push(`pictures are downloaded from the ${place} device before ${name}`);
    }
    if (uploads !== undefined) {
      // The upload itself is there.
      steps.push(...uploading(this.#uploadable(uploads, format)).slice(0, -1));
    } else if (wanted !== 'main') {
      const device = this.#device(wanted);
      steps.push(...uploading(this.#uploadable(wanted, place === 'main' ? format : (format ?? 'nv12'))));
      this.#devices.set(this.#filters.length + steps.length - 1, device);
      this.#moves.push(`pictures are uploaded to the ${wanted} device before ${name}`);
    }
    const first = this.#filters.length;
    for (const [name, args] of steps) {
      this.#filters.push({ name, args: args || undefined, instance: `${name}_moving_${this.#filters.length}` });
      this.#pads.push(ONE_PICTURE);
    }
    for (let i = first; i < this.#filters.length; i++) {
      const to = i + 1 < this.#filters.length ? { filter: i + 1, pad: 0 } : pad;
      this.#links.push({ from: { filter: i, pad: 0 }, to });
    }
    return { filter: first, pad: 0 };
  }

  /** The format in main memory of pictures that are brought to a place. */
  #formatAt(wanted: Place, { place, format }: Spot): string | undefined {
    if (wanted === place) return format;
    const known = place === 'main' ? format : (format ?? 'nv12');
    return wanted === 'main' ? known : this.#uploadable(wanted, known);
  }

  /** @param format in main memory; undefined if it is not known. */
  #uploadable(kind: DeviceKind, format: string | undefined): string {
    this.#device(kind);
    return uploadable(format, this.#opened.get(kind)?.formats ?? []);
  }

  /** That of the frames that come, if they are on one of the kind: no other could read them. */
  #device(kind: DeviceKind): HardwareDeviceContext {
    for (const { frames } of this.formats.values()) if (frames?.kind === kind) return frames.device;
    let device = this.#opened.get(kind);
    if (device === undefined) {
      device = openDevice(kind, this.chosen?.kind === kind ? this.chosen.name : undefined);
      this.#opened.set(kind, device);
    }
    return device.context;
  }
}
