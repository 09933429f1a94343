/** A file that is written while something else of the graph reads or writes it: what was in it is lost, or garbage. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { builtinOf } from '../../catalog/builtin.js';
import { localPath } from '../../catalog/ffmpeg.js';
import type { Problem } from '../../errors/errors.js';
import type { NodeSpec } from '../../scheduler/plan/spec.js';
import { isOn } from '../../schema/schema.js';

interface Use {
  /** Of the graph: what it is in messages. */
  readonly node: string;
  /** Of the option. */
  readonly path: string;
  readonly file: string;
  /** Device and number of a file that is there; its absolute path otherwise. */
  readonly identity: string;
}

/** @param pathOf Gives the JSON path of a node by its place in `nodes`. */
export function sharedFiles(nodes: readonly NodeSpec[], pathOf: (index: number) => string): Problem[] {
  const reads: Use[] = [];
  const writes: Use[] = [];
  nodes.forEach(({ module, options, outside }, index) => {
    if (outside !== undefined) return;
    const node = pathOf(index);
    const work = builtinOf(module)?.work;
    if (work === 'decoding') reads.push(...useOf(node, 'input_path', options.input_path));
    if (work === 'encoding') writes.push(...writtenBy(node, options));
  });
  const written = new Map<string, Use>();
  return writes.flatMap(({ node, path, file, identity }) => {
    const read = reads.find((other) => other.identity === identity);
    const other = written.get(identity);
    written.set(identity, { node, path, file, identity });
    if (read) {
      return [
        {
          path,
          message: `'${file}' is the input of ${read.node}, which would be emptied before it has been read`,
          hint: 'Write to another file, and rename it when the run has ended',
        },
      ];
    }
    if (!other) return [];
    return [
      { path, message: `'${file}' is written by ${other.node} too`, hint: 'Give every output a file of its own' },
    ];
  });
}

function writtenBy(node: string, options: Readonly<Record<string, unknown>>): Use[] {
  const { null_output: discards, push_output: pushes, output, output_path: path } = options;
  return isOn(discards ?? undefined) || isOn(pushes ?? undefined) || output !== undefined
    ? []
    : useOf(node, 'output_path', path);
}

/** Nothing for what is no file: devices and pipes may be used by several. */
function useOf(node: string, option: string, file: unknown): Use[] {
  const identity = typeof file === 'string' ? identityOf(file) : undefined;
  return identity === undefined ? [] : [{ path: `${node}.option.${option}`, node, file: file as string, identity }];
}

/** undefined also for what cannot be looked at: a wrong name is told by the checks of the option, or by who opens it. */
function identityOf(file: string): string | undefined {
  try {
    const local = localPath(file);
    if (local === undefined || local === '') return undefined;
    const found = statSync(local, { throwIfNoEntry: false, bigint: true });
    if (!found) return resolve(local);
    return found.isFile() ? `${found.dev}:${found.ino}` : undefined;
  } catch {
    return undefined;
  }
}
