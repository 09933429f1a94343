/** `millrace inspect FILE --packets`: a line for each packet, as it is read. */
import { localPath, type PacketFacts, packetsOf } from '../../catalog/ffmpeg.js';
import { UsageError } from '../errors.js';
import { lookInto } from '../look.js';
import { written } from '../text.js';

export interface PacketFlags {
  readonly json?: boolean;
  readonly packets?: boolean;
  readonly frames?: boolean;
  /** Of video streams, unless one is chosen: in others every packet is a key. */
  readonly keyframes?: boolean;
  readonly stream?: number;
}

/** Characters that are written at once. */
const CHUNK = 16_384;

export async function printPackets(file: string, flags: PacketFlags): Promise<number> {
  if (localPath(file) === undefined)
    throw new UsageError('--packets and --keyframes are for files, not for URLs of the network');
  const { streams } = await lookInto(file);
  if (flags.stream !== undefined && !streams.some(({ index }) => index === flags.stream)) {
    throw new UsageError(`--stream ${flags.stream}: ${file} has the streams 0 to ${streams.length - 1}`);
  }
  let text = '';
  for (const packet of packetsOf(file)) {
    if (!isWanted(packet, flags)) continue;
    text += `${flags.json ? JSON.stringify(packet) : line(packet)}\n`;
    if (text.length < CHUNK) continue;
    if (!(await written(text))) return 0;
    text = '';
  }
  process.stdout.write(text);
  return 0;
}

function isWanted({ stream, kind, key }: PacketFacts, flags: PacketFlags): boolean {
  if (flags.stream !== undefined ? stream !== flags.stream : flags.keyframes && kind !== 'video') return false;
  return key || !flags.keyframes;
}

function line({ stream, kind, pts, dts, duration, size, key }: PacketFacts): string {
  const cells = [
    String(stream).padStart(2),
    kind.padEnd(10),
    ...[pts, dts, duration].map((time) => (time === undefined ? '-' : time.toFixed(6)).padStart(12)),
    String(size).padStart(8),
    ...(key ? ['key'] : []),
  ];
  return cells.join('  ');
}
