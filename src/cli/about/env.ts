/** `millrace env`: what a bug report needs to say of this machine. */
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { version } from '../../../package.json';
import { devices, type MediaDevice } from '../../catalog/ffmpeg.js';
import { messageOf } from '../../errors/wire.js';
import { Graph } from '../../graph/graph.js';
import { probe } from '../../graph/probe.js';
import { addonFile } from '../../media/native/node-av-place.js';
import { whyCopied } from '../../media/reference/frame-references.js';
import { bytes, columns } from '../text.js';

interface Environment {
  readonly millrace: string;
  readonly node: string;
  readonly system: string;
  readonly processor: string;
  readonly memory: number;
  /** Variables that change what the package does. */
  readonly variables: Readonly<Record<string, string>>;
  readonly binary: string | undefined;
  readonly ffmpeg: {
    readonly version: string;
    readonly configuration: string;
    readonly libraries: Readonly<Record<string, string>>;
    /** How many it has. */
    readonly filters: number;
    readonly decoders: number;
    readonly encoders: number;
    readonly formats: number;
    readonly hardware: readonly string[];
  };
  readonly devices: readonly MediaDevice[];
  readonly transport: {
    /** 'reference', or why frames are copied between threads. */
    readonly frames: string;
    /** 'ok', or what went wrong when frames were sent from thread to thread. */
    readonly threads: string;
  };
}

export async function environment({ json }: { json?: boolean }): Promise<number> {
  const found = await look();
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : text(found));
  return found.transport.threads === 'ok' ? 0 : 1;
}

async function look(): Promise<Environment> {
  const { platform, arch, env, versions } = process;
  const { ffmpeg, filters, decoders, encoders, formats, hardware } = probe.capabilities();
  const ours = Object.entries(env).filter(([name]) =>
    /^(MILLRACE_|NODE_OPTIONS$|UV_THREADPOOL_SIZE$|AV_FROM_SOURCE$)/.test(name),
  );
  return {
    millrace: version,
    node: versions.node,
    system: `${platform} ${release()} ${arch}`,
    processor: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: totalmem(),
    variables: Object.fromEntries(ours.map(([name, value]) => [name, value ?? ''])),
    binary: addonFile(),
    ffmpeg: {
      ...ffmpeg,
      filters: filters.length,
      decoders: decoders.length,
      encoders: encoders.length,
      formats: formats.length,
      hardware,
    },
    devices: await devices(),
    transport: { frames: whyCopied() ?? 'reference', threads: await sendFrames() },
  };
}

const FRAMES = 10;

/** Frames from one thread to another, as graphs send them. */
async function sendFrames(): Promise<string> {
  const graph = new Graph({ threads: 2 });
  const source = graph.module(
    'c_ffmpeg_filter',
    { name: 'testsrc2', para: `size=320x180:rate=25:duration=${FRAMES / 25}` },
    { scheduler: 0 },
  );
  const sink = source.module('null_sink', {}, { scheduler: 1 });
  try {
    const { nodes, warnings, leaked } = await graph.run();
    const arrived = nodes.find(({ id }) => id === sink.nodeId)?.packetsIn;
    const problems = [
      ...(arrived === FRAMES ? [] : [`${arrived} of ${FRAMES} frames arrived`]),
      ...warnings,
      ...Object.entries(leaked).map(([kind, count]) => `${count} x ${kind} left behind`),
    ];
    return problems.join('; ') || 'ok';
  } catch (error) {
    return messageOf(error);
  }
}

function text({ ffmpeg, devices: list, transport, ...rest }: Environment): string {
  const { libraries } = ffmpeg;
  const named = list.filter(({ name, format }) => name !== undefined && format !== 'lavfi');
  return columns([
    ['millrace', rest.millrace],
    ['Node.js', rest.node],
    ['system', rest.system],
    ['processor', rest.processor],
    ['memory', bytes(rest.memory)],
    ...Object.entries(rest.variables).map(([name, value]) => [name, value]),
    ['binary', rest.binary ?? 'cannot be told'],
    ['FFmpeg', ffmpeg.version],
    [
      'libraries',
      Object.entries(libraries)
        .map((pair) => pair.join(' '))
        .join(', '),
    ],
    [
      'has',
      `${ffmpeg.filters} filters, ${ffmpeg.decoders} decoders, ${ffmpeg.encoders} encoders, ${ffmpeg.formats} formats`,
    ],
    ['devices it knows', ffmpeg.hardware.join(' ')],
    ['devices here', named.map(({ kind, name }) => `${kind} ${name}`).join(', ') || 'no camera, microphone or screen'],
    ['frames go by', transport.frames],
    ['threads', transport.threads],
    ['configuration', ffmpeg.configuration],
  ]);
}
