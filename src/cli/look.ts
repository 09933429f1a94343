/** How the command looks into its inputs. */
import { localPath, type MediaInfo, type MediaStream } from '../catalog/ffmpeg.js';
import { probe, probeSync } from '../graph/probe.js';

/** The command has nothing else to do meanwhile: a thread for a file would only cost its start. */
export async function lookInto(input: string): Promise<MediaInfo> {
  return localPath(input) === undefined ? probe(input) : probeSync(input);
}

export function isCover({ disposition }: MediaStream): boolean {
  return disposition.includes('attached_pic');
}
