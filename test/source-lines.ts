/**
 * Failures tell lines of the sources, though bundles are what runs. Node itself would read the maps of all that every process
 * loads, before anything has failed: that takes a tenth of a second, and maps nothing in threads.
 */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A place in a file, as traces name it: path or URL, line, column. */
const PLACE = /((?:file:\/\/)?(?:\/?[A-Za-z]:)?\/[^\s():]+\.m?js):(\d+):(\d+)/g;

const maps = new Map<string, SourceMap | undefined>();

function mapBeside(path: string): SourceMap | undefined {
  if (!maps.has(path)) {
    const file = `${path}.map`;
    const payload = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SourceMapPayload) : undefined;
    maps.set(path, payload && new SourceMap(payload));
  }
  return maps.get(path);
}

/** What a test has told, with the places of the sources in it. */
export function withSourceLines(output: string): string {
  return output.replaceAll(PLACE, (place, file: string, line: string, column: string) => {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    const found = mapBeside(path)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (found === undefined || !('originalSource' in found)) return place;
    const source = fileURLToPath(new URL(found.originalSource, pathToFileURL(path)));
    return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  });
}
