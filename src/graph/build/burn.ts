/** Drawing subtitles into a video: where they are read from. */
import { isDecoder } from '../../catalog/builtin.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import type { BurnOptions, DecoderOptions } from './module-options.js';
import type { NodeParameters } from './node.js';
import type { NodeHandle, Stream } from './stream.js';
import type { StreamSelection } from './stream-selection.js';

/** What a graph consists of so far. */
interface Parts {
  readonly nodes: readonly NodeSpec[];
  readonly links: readonly LinkSpec[];
}

const parts = new WeakMap<object, Parts>();

/** Streams reach the definition of their graph by this. */
export function setParts(graph: object, definition: Parts): void {
  parts.set(graph, definition);
}

/** Options of a decoder that say what is read and from when to when. */
const READING = [
  ...(['input_path', 'input', 'start_time', 'end_time', 'durations', 'dec_params', 'timeout_ms'] as const),
  ...(['copyts', 'start_at_zero'] as const),
] as const;

const FIRST_FURTHER = 2;

/** @param isStream Tells a stream of a graph from a path. */
export function burn(
  video: Stream,
  subtitles: Stream | string | URL,
  options: BurnOptions,
  parameters: NodeParameters,
  isStream: (value: unknown) => value is Stream,
): NodeHandle {
  if (!isStream(subtitles) && !(subtitles instanceof URL) && (typeof subtitles !== 'string' || subtitles === '')) {
    return refuse(`${describeValue(subtitles)} has no subtitles`, 'Give a stream of subtitles, or the path of a file');
  }
  const source = isStream(subtitles)
    ? readAgain(subtitles, video)
    : readSubtitles(video, { input_path: subtitles as string }, { kind: 'subtitle' });
  return video.graph.module('burn_subtitles', options, { ...parameters, inputs: [video, source] });
}

function readSubtitles(video: Stream, options: DecoderOptions, selection: StreamSelection): Stream {
  return video.graph.decode(options).select({ ...selection, fonts: true });
}

/** All subtitles are wanted before the first picture: they are read by themselves. */
function readAgain(subtitles: Stream, video: Stream): Stream {
  const { nodes } = parts.get(subtitles.graph)!;
  const node = nodes.find(({ id }) => id === subtitles.nodeId);
  if (!node || !isDecoder(node.module)) {
    refuseShared(subtitles, video);
    return subtitles;
  }
  const list = (node.options.streams ?? []) as readonly StreamSelection[];
  const selection = list[subtitles.index - FIRST_FURTHER];
  if (selection?.kind !== 'subtitle') {
    return refuse(`${subtitles.name} is no stream of subtitles`, 'Give input.subtitles[0], for instance');
  }
  if (node.options.input_path === undefined && node.options.input === undefined) {
    return refuse(
      `${node.alias} cannot be read a second time: it reads what comes on its input`,
      'Give the path of a file with the subtitles',
    );
  }
  if (Number(node.options.loop ?? 0) !== 0) {
    return refuse(`${node.alias} is played more than once (loop)`, 'Draw the subtitles in a graph of their own before');
  }
  if (node.options.use_wallclock_as_timestamps) {
    return refuse(`the times of ${node.alias} are those of the wall clock`, 'Leave out use_wallclock_as_timestamps');
  }
  const entries = READING.flatMap((key) => (node.options[key] === undefined ? [] : [[key, node.options[key]]]));
  const { codec: _codec, ...wanted } = selection;
  return readSubtitles(video, Object.fromEntries(entries) as DecoderOptions, wanted);
}

/** A decoder that both come from would wait for the pictures to be taken, and they for the last of its subtitles. */
function refuseShared(subtitles: Stream, video: Stream): void {
  const above = sourcesOf(video);
  const shared = [...sourcesOf(subtitles)].find((id) => above.has(id));
  if (shared === undefined) return;
  const { nodes } = parts.get(video.graph)!;
  const alias = nodes.find(({ id }) => id === shared)?.alias;
  refuse(
    `the pictures and the subtitles both come from ${alias}, and the first picture waits for the last subtitle`,
    'Read the file a second time for the subtitles: graph.decode(…).subtitles[0].module(…)',
  );
}

/** Nodes without inputs from which a stream comes. */
function sourcesOf({ graph, nodeId }: Stream): Set<number> {
  const { links } = parts.get(graph)!;
  const found = new Set<number>();
  const seen = new Set<number>();
  const queue = [nodeId];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const above = links.filter(({ to }) => to.node === id).map(({ from }) => from.node);
    if (above.length === 0) found.add(id);
    queue.push(...above);
  }
  return found;
}

function refuse(message: string, hint: string): never {
  throw new MillraceError('ERR_MILLRACE_CONFIG', `burnSubtitles: ${message}`, { hint });
}
