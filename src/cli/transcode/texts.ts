/** `--metadata`: tags of the output, and of its streams. */
import type { EncoderOptions } from '../../graph/build/module-options.js';
import { UsageError } from '../errors.js';

const KINDS = { v: 'video', a: 'audio', s: 'subtitle' } as const;
/** `s:a:1:language=deu`, as the ffmpeg command has it behind `-metadata:`. */
const OF_STREAM = /^s:([vas]):(\d{1,3}):(.+)$/s;

/** @throws UsageError for what is no `key=value`. */
export function readTexts(given: readonly string[]): Pick<EncoderOptions, 'metadata' | 'streams'> {
  const metadata: Record<string, string> = {};
  const streams: { [kind in 'video' | 'audio' | 'subtitle']?: Record<string, unknown>[] } = {};
  for (const text of given) {
    const equals = text.indexOf('=');
    if (equals < 1) throw new UsageError(`--metadata ${text}: give key=value, or s:a:0:key=value for a stream`);
    const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
    const [, kind, number, key] = OF_STREAM.exec(name) ?? [];
    if (kind === undefined || key === undefined) {
      metadata[name] = value;
      continue;
    }
    streams[KINDS[kind as keyof typeof KINDS]] ??= [];
    const list = streams[KINDS[kind as keyof typeof KINDS]]!;
    while (list.length <= Number(number)) list.push({});
    const texts = list[Number(number)]!;
    if (key === 'language' || key === 'title') texts[key] = value;
    else texts.metadata = { ...(texts.metadata as object), [key]: value };
  }
  return {
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(Object.keys(streams).length > 0 && { streams }),
  };
}
