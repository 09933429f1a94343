/** `millrace init-module NAME`: a module in TypeScript with options, a test, and what is needed to build and publish it. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { version } from '../../../package.json';
import { MillraceError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { UsageError } from '../errors.js';

export function initModule(name: string, folder: string | undefined): number {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new UsageError(`${name} is no name for a module: give small letters, digits and hyphens, such as add-grain`);
  }
  const place = resolve(folder ?? name);
  if (existsSync(place) && readdirSync(place).length > 0) {
    throw new UsageError(`${place} is there and not empty: give another folder by --folder`);
  }
  const files = filesOf(name);
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(place, path)), { recursive: true });
      writeFileSync(join(place, path), text);
    }
  } catch (cause) {
    throw new MillraceError('ERR_MILLRACE_OUTPUT', `Cannot write into ${place}: ${messageOf(cause)}`, { cause });
  }
  process.stdout.write(
    `${Object.keys(files)
      .map((path) => join(place, path))
      .join('\n')}\n`,
  );
  process.stdout.write(`\nThen, in ${place}: npm install && npm test\n`);
  return 0;
}

function filesOf(name: string): Record<string, string> {
  const own = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return {
    'package.json': packageOf(name),
    'tsconfig.json': TSCONFIG,
    [`src/${name}.ts`]: MODULE,
    [`test/${name}.test.ts`]: testOf(name, own),
    'README.md': readmeOf(name),
    '.gitignore': 'node_modules\ndist\n',
  };
}

function packageOf(name: string): string {
  const content = {
    name: `millrace-${name}`,
    version: '0.1.0',
    type: 'module',
    exports: `./dist/${name}.js`,
    files: ['dist'],
    scripts: { build: 'tsc', test: `node --import tsx --test test/${name}.test.ts`, prepare: 'tsc' },
    peerDependencies: { millrace: `>=${version}` },
    devDependencies: { '@types/node': '^20.19.0', millrace: `^${version}`, tsx: '^4.20.0', typescript: '^5.9.0' },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      target: 'ES2022',
      module: 'NodeNext',
      strict: true,
      noUncheckedIndexedAccess: true,
      declaration: true,
      skipLibCheck: true,
      types: ['node'],
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
  },
  null,
  2,
)}\n`;

const MODULE = `import { defineModule, type OptionSchema, VideoFrame } from 'millrace';

export interface Options {
  /** Added to the brightness of every pixel, -255 to 255. Default 20. */
  readonly by: number;
}

/** Checked before the graph starts. Schemas of valibot, zod and arktype can stand here as well. */
const schema: OptionSchema<Options> = {
  '~standard': {
    version: 1,
    vendor: 'own',
    validate(value) {
      const { by = 20, ...rest } = (value ?? {}) as Partial<Options>;
      const [unknown] = Object.keys(rest);
      if (unknown !== undefined) return { issues: [{ message: 'is not an option here. Known: by', path: [unknown] }] };
      if (Number.isInteger(by) && Math.abs(by) <= 255) return { value: { by } };
      return { issues: [{ message: 'must be a whole number from -255 to 255', path: ['by'] }] };
    },
  },
};

/** Makes pictures brighter or darker. */
export default defineModule<Options, { by: number }>({
  schema,
  init(ctx) {
    this.by = ctx.options.by;
  },
  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      // The end of the output follows by itself.
      if (packet.isEof) continue;
      if (!(packet.payload instanceof VideoFrame)) throw new TypeError('it takes pictures');
      // The pixels are copied only if somebody shares them.
      const frame = packet.payload.writable();
      const [luma] = frame.planes();
      if (luma) for (let i = 0; i < luma.data.length; i++) luma.data[i] = clamp(luma.data[i]! + this.by);
      task.output(0).push(packet);
    }
  },
});

function clamp(value: number): number {
  return Math.max(0, Math.min(255, value));
}
`;

function testOf(name: string, own: string): string {
  const source = `../src/${name}.ts`;
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Graph, type VideoFrame } from 'millrace';
import ${own} from '${source}';

/** Brightness of the first pixel of each picture. */
async function brightness(options: { by?: number }): Promise<number[]> {
  const graph = new Graph({ threads: 0 });
  const gray = graph.filter('color', { c: '0x808080', size: '64x48', rate: 25, duration: 0.2 }).filter('format', 'yuv420p');
  const found: number[] = [];
  for await (const { payload } of gray.module(${own}, options).packets<VideoFrame>().closing()) {
    found.push(payload.copyPlanes()[0]!.data[0]!);
  }
  return found;
}

test('pictures get brighter, and darker', async () => {
  const [brighter, darker] = [await brightness({ by: 30 }), await brightness({ by: -30 })];
  assert.equal(brighter.length, 5);
  assert.deepEqual(brighter.map((value) => value - 60), darker);
});

test('what cannot be an option is refused before anything starts', async () => {
  await assert.rejects(brightness({ by: 1000 }), /by.*must be a whole number from -255 to 255/s);
});
`;
}

function readmeOf(name: string): string {
  return `# ${name}

A module for [millrace](https://www.npmjs.com/package/millrace).

\`\`\`js
import { Graph } from 'millrace';

const graph = new Graph();
const input = graph.decode({ input_path: 'in.mp4' });
input.video
  .module(new URL(import.meta.resolve('millrace-${name}')), { by: 30 })
  .encode(input.audio, { output_path: 'out.mp4' });
await graph.run();
\`\`\`

\`npm test\` runs the test, \`npm run build\` writes \`dist\`. Given by its URL or path, the module runs in a thread of the graph.
`;
}
