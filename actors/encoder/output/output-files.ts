/** Which files an output consists of, where its path is a pattern or a list of outputs rather than a file's name. */
import { OutputFormat } from 'node-av/lib';
import type { AVOptionValues } from '../../../src/schema/schema.js';

export interface OutputFile {
  readonly path: string;
  /** Undefined where the name does not tell. */
  readonly format: OutputFormat | undefined;
  /** The muxer makes the folders of its files. */
  readonly makesFolders: boolean;
}

/** Options that name files beside the output, from the working directory on. */
const OWN_FILES = ['hls_segment_filename', 'segment_list'];

/** @param path As FFmpeg gets it. */
export function outputFiles(path: string, format: OutputFormat, mux: AVOptionValues = {}): OutputFile[] {
  if (format.name === 'tee') return slaves(path).flatMap((slave) => outputFiles(slave.path, slave.format ?? format));
  const isOn = (name: string): boolean => ['1', 'true'].includes(String(mux[name]));
  const makesFolders =
    (format.name === 'hls' && path.includes('%v')) ||
    isOn('strftime_mkdir') ||
    (isOn('strftime') && path.includes('%'));
  return (
    [path, ...OWN_FILES.map((name) => mux[name]).filter((name) => typeof name === 'string')]
      // The muxer fills in the name of the variant, and makes a folder of it.
      .map((file) => ({
        path: file,
        format,
        makesFolders: makesFolders || (format.name === 'hls' && file.includes('%v')),
      }))
  );
}

/** The outputs of the tee muxer: separated by '|', each with options in brackets before its name. */
function slaves(list: string): { path: string; format: OutputFormat | undefined }[] {
  return list.split(/(?<!\\)\|/).map((entry) => {
    const [, options = '', path = ''] = /^\s*(?:\[([^\]]*)\])?(.*)$/s.exec(entry) ?? [];
    const named = /(?:^|:)f=([^:]+)/.exec(options)?.[1];
    const plain = path.replace(/\\(.)/gs, '$1').replace(/^'(.*)'$/s, '$1');
    const format = named ? OutputFormat.guessFormat(named, null, null) : OutputFormat.guessFormat(null, plain, null);
    return { path: plain, format: format ?? undefined };
  });
}
