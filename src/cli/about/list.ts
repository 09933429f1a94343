/** `millrace list filters|codecs|formats|protocols|pixel-formats|devices [name]` */
import colors from 'picocolors';
import type {
  Capabilities,
  CoderCapability,
  FFmpegOption,
  FilterCapability,
  FormatCapability,
  MediaDevice,
  PixelFormatCapability,
} from '../../catalog/ffmpeg.js';
import { devices } from '../../catalog/ffmpeg.js';
import { probe } from '../../graph/probe.js';
import { didYouMean } from '../../schema/schema.js';
import { UsageError } from '../errors.js';
import { columns } from '../text.js';

export type List = 'filters' | 'codecs' | 'formats' | 'protocols' | 'pixel-formats' | 'devices';

interface Output {
  /** For `--json`. */
  readonly data: unknown;
  /** Tables, each with columns of its own. */
  readonly tables: readonly Table[];
}

type Table = readonly (readonly string[])[];

export async function list(what: List, name: string | undefined, { json }: { json?: boolean }): Promise<number> {
  const { data, tables } = name === undefined ? await everything(what) : details(what, name);
  process.stdout.write(json ? `${JSON.stringify(data)}\n` : tables.map(columns).join(''));
  return 0;
}

async function everything(what: List): Promise<Output> {
  if (what === 'devices') {
    const found = await devices();
    return { data: found, tables: [found.map(deviceRow)] };
  }
  const all = probe.capabilities();
  switch (what) {
    case 'filters':
      return { data: all.filters, tables: [all.filters.map(filterRow)] };
    case 'codecs':
      return {
        data: all.codecs,
        tables: [
          [
            ['codec', 'kind', 'decoders', 'encoders'],
            ...all.codecs.map(({ name, kind, decoders, encoders }) => {
              return [colors.bold(name), kind, decoders.join(' ') || '-', encoders.join(' ') || '-'];
            }),
          ],
        ],
      };
    case 'formats':
      return { data: all.formats, tables: [all.formats.map(formatRow)] };
    case 'protocols':
      return { data: all.protocols, tables: [all.protocols.map((one) => [colors.bold(one.name), use(one)])] };
    case 'pixel-formats':
      return { data: all.pixelFormats, tables: [all.pixelFormats.map(pixelFormatRow)] };
  }
}

function details(what: List, name: string): Output {
  const all = probe.capabilities();
  switch (what) {
    case 'filters': {
      const filter = find(all.filters, name, 'filter');
      const { options } = filter;
      return { data: { ...filter, options }, tables: [[filterRow(filter)], optionTable(options)] };
    }
    case 'codecs':
      return codecDetails(all, name);
    case 'formats': {
      const format = find(all.formats, name, 'format');
      const { inputOptions, outputOptions } = format;
      return {
        data: { ...format, inputOptions, outputOptions },
        tables: [
          [formatRow(format)],
          facts({
            extensions: format.extensions.join(' '),
            'made for': [format.video, format.audio, format.subtitle].filter(Boolean).join(', '),
          }),
          ...section('to read it (dec_params)', inputOptions),
          ...section('to write it (mux_params)', outputOptions),
        ],
      };
    }
    case 'protocols': {
      const protocol = find(all.protocols, name, 'protocol');
      return { data: protocol, tables: [[[colors.bold(name), use(protocol)]]] };
    }
    case 'pixel-formats': {
      const format = find(all.pixelFormats, name, 'pixel format');
      const encoders = all.encoders.filter(({ pixelFormats }) => pixelFormats?.includes(name)).map((one) => one.name);
      return {
        data: { ...format, encoders },
        tables: [[pixelFormatRow(format)], facts({ encoders: encoders.join(' ') })],
      };
    }
    case 'devices':
      throw new UsageError('list devices takes no name: it lists all of them');
  }
}

/** Of a codec its coders, and of a coder its options; many decoders have the name of their codec. */
function codecDetails({ codecs, decoders, encoders }: Capabilities, name: string): Output {
  const all = [...encoders, ...decoders];
  const codec = codecs.find((one) => one.name === name);
  const own = all.filter((one) => one.name === name);
  if (!codec && own.length === 0) find([...codecs, ...all], name, 'codec');
  const uses = (one: CoderCapability): string => (encoders.includes(one) ? 'encoder' : 'decoder');
  const shown = codec ? all.filter((one) => one.codec === name) : own;
  return {
    data: shown.map((one) => ({ ...one, use: uses(one), options: one.options })),
    tables: [
      ...(codec
        ? [
            [[colors.bold(name), codec.kind]],
            facts({ decoders: codec.decoders.join(' '), encoders: codec.encoders.join(' ') }),
          ]
        : []),
      ...own.flatMap((one) => [
        [[colors.bold(one.name), `${uses(one)} of ${one.codec}`, one.description]],
        facts({
          'pixel formats': one.pixelFormats?.join(' '),
          'sample formats': one.sampleFormats?.join(' '),
          'sample rates': one.sampleRates?.join(' '),
        }),
        optionTable(one.options),
      ]),
    ],
  };
}

/** @throws UsageError for a name that is not there. */
function find<T extends { readonly name: string }>(among: readonly T[], name: string, what: string): T {
  const found = among.find((one) => one.name === name);
  if (found) return found;
  const near = didYouMean(
    name,
    among.map((one) => one.name),
  );
  throw new UsageError(`this FFmpeg has no ${what} '${name}'${near && `. ${near}`}`);
}

function pads({ inputs, outputs }: FilterCapability): string {
  const side = (kinds: FilterCapability['inputs']): string =>
    kinds === 'any' ? 'any' : kinds.length === 0 ? 'nothing' : kinds.join('+');
  return `${side(inputs)} -> ${side(outputs)}`;
}

function use({ input, output }: Pick<FormatCapability, 'input' | 'output'>): string {
  return input && output ? 'read, write' : input ? 'read' : 'write';
}

function filterRow(filter: FilterCapability): string[] {
  return [colors.bold(filter.name), pads(filter), filter.description];
}

function formatRow(format: FormatCapability): string[] {
  return [colors.bold(format.name), use(format), format.description];
}

function pixelFormatRow({ name, bitsPerPixel, hardware }: PixelFormatCapability): string[] {
  return [colors.bold(name), hardware ? 'in the memory of a device' : `${bitsPerPixel} bits per pixel`];
}

function facts(values: Readonly<Record<string, string | undefined>>): Table {
  return Object.entries(values).flatMap(([name, value]) => (value ? [[`  ${name}`, value]] : []));
}

function section(title: string, options: readonly FFmpegOption[]): Table[] {
  return options.length === 0 ? [] : [[[`  ${title}:`]], optionTable(options)];
}

function optionTable(options: readonly FFmpegOption[]): Table {
  return options.map(({ name, type = '', help = '', values, min, max, default: standard }) => {
    const range = values ? values.join('|') : min === undefined || isEndless(min, max!) ? '' : `${min} to ${max}`;
    const notes = [help, ...(range ? [range] : []), ...(standard === undefined ? [] : [`default ${standard}`])];
    return [`    ${name}`, ...(type ? [type] : []), notes.filter((note) => note !== '').join('; ')];
  });
}

/** A range that is that of its type says nothing. */
function isEndless(min: number, max: number): boolean {
  return max >= 2147483647 && (min === 0 || min <= -2147483647);
}

function deviceRow({ kind, format, name = '-', description, note, isDefault, bounds }: MediaDevice): string[] {
  const size = bounds && `${bounds.width}x${bounds.height}`;
  const notes = [description, size, isDefault ? 'default' : undefined, note].filter((one) => one !== undefined);
  return [kind, colors.bold(format), name, notes.join(', ')];
}
