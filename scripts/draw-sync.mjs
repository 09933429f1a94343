/**
 * Draws the timelines of docs/sync.md as SVG and fills in its tables, both from what the built synchroniser does.
 * Usage: node scripts/draw-sync.mjs [--check]
 *   --check  writes nothing; names what differs and exits with 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Synchronizer } from '../dist/sync.js';

const docs = new URL('../docs/', import.meta.url);
const check = process.argv.includes('--check');

/** Nanoseconds per buffer, cut as the timestamper does; the rates of NNStreamer's document. */
const RATES = [30n, 20n, 10n];
const END = 320_000_000n;

/** Buffers of pads of the given rates until END, in order of time. `silent`: a pad that stops after some buffers. */
function arrivals(silent = {}) {
  const all = RATES.flatMap((rate, pad) => {
    const count = silent[pad] ?? Number.POSITIVE_INFINITY;
    const buffers = [];
    for (let pts = 0n; pts <= END && buffers.length < count; pts += 1_000_000_000n / rate) buffers.push({ pad, pts });
    return buffers;
  });
  return all.sort((a, b) => (a.pts === b.pts ? a.pad - b.pad : a.pts < b.pts ? -1 : 1));
}

/** Outputs with, per input, the buffer itself; and the buffers that came to nothing. */
function run(options, buffers, { end = false } = {}) {
  const synchronizer = new Synchronizer({ pads: RATES.length, ...options });
  const outputs = [];
  for (const buffer of buffers) {
    if (options.timeout !== undefined) outputs.push(...synchronizer.tick(buffer.pts));
    outputs.push(...synchronizer.push(buffer.pad, { pts: buffer.pts, value: buffer }));
  }
  if (end) for (let pad = 0; pad < RATES.length; pad++) outputs.push(...synchronizer.end(pad));
  return outputs;
}

const LEFT = 90;
const TOP = 26;
const ROW = 44;
const WIDTH = 780;
const x = (pts) => LEFT + (Number(pts) / Number(END)) * (WIDTH - LEFT - 24);
const y = (row) => TOP + row * ROW;

/** Pads above, output below; a line joins what an output has, dashed where a buffer is used once more. */
function timeline(title, options, silent) {
  const buffers = arrivals(silent);
  const outputs = run(options, buffers, { end: true });
  const used = new Set(outputs.flatMap(({ inputs }) => inputs.map((input) => input?.value)));
  const below = RATES.length;
  const height = y(below) + 40;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
  ];
  for (let row = 0; row <= below; row++) {
    const label = row === below ? 'output' : `pad ${row}, ${RATES[row]}/s`;
    parts.push(`<text x="4" y="${y(row) + 4}" fill="#111827">${label}</text>`);
    parts.push(`<line x1="${LEFT}" y1="${y(row)}" x2="${WIDTH - 12}" y2="${y(row)}" stroke="#d1d5db"/>`);
  }
  for (let ms = 0; ms <= Number(END) / 1e6; ms += 50) {
    const at = x(ms * 1e6).toFixed(1);
    parts.push(`<text x="${at}" y="${height - 6}" fill="#6b7280" text-anchor="middle">${ms} ms</text>`);
  }
  for (const { pts, inputs } of outputs) {
    const points = inputs.flatMap((input, pad) => (input ? [{ at: input.pts, row: pad, reused: input.reused }] : []));
    points.push({ at: pts, row: below, reused: false });
    for (let i = 1; i < points.length; i++) {
      const [from, to] = [points[i - 1], points[i]];
      const dash = from.reused || to.reused ? ' stroke-dasharray="3 3"' : '';
      const ends = `x1="${x(from.at).toFixed(1)}" y1="${y(from.row)}" x2="${x(to.at).toFixed(1)}" y2="${y(to.row)}"`;
      parts.push(`<line ${ends} stroke="#2563eb"${dash}/>`);
    }
  }
  for (const buffer of buffers) {
    const fill = used.has(buffer) ? '#2563eb' : '#ffffff';
    parts.push(
      `<circle cx="${x(buffer.pts).toFixed(1)}" cy="${y(buffer.pad)}" r="5" fill="${fill}" stroke="#2563eb"/>`,
    );
  }
  for (const { pts } of outputs) {
    parts.push(`<rect x="${(x(pts) - 4).toFixed(1)}" y="${y(below) - 4}" width="8" height="8" fill="#dc2626"/>`);
  }
  return `${[...parts, '</svg>'].join('\n')}\n`;
}

/** One line per output: its PTS and those of its buffers, a star where a buffer is used once more. */
function outputTable(options) {
  const rows = run(options, arrivals(), { end: true }).map(({ pts, inputs }) => [
    ...inputs.map((input) => `${input.pts}${input.reused ? ' *' : ''}`),
    String(pts),
  ]);
  return table(['pad 0', 'pad 1', 'pad 2', 'output'], rows);
}

/** Of the document's refresh: what came, and what was output by it. */
function refreshTable() {
  const synchronizer = new Synchronizer({ mode: 'refresh', pads: 3 });
  const came = [
    [0, 0n],
    [1, 0n],
    [2, 0n],
    [1, 1n],
    [2, 2n],
    [2, 3n],
    [0, 4n],
    [2, 5n],
  ];
  const rows = came.flatMap(([pad, pts]) =>
    synchronizer
      .push(pad, { pts, value: null })
      .map(({ pts: output, inputs }) => [`${pts} on pad ${pad}`, ...inputs.map((input) => input.pts), output]),
  );
  return table(['arrives', 'pad 0', 'pad 1', 'pad 2', 'output'], rows);
}

function table(head, rows) {
  const lines = [head, head.map(() => '---:'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

const BASEPAD = { mode: 'basepad', option: '0:33333333' };
const pictures = {
  'sync-nosync.svg': timeline('nosync', { mode: 'nosync' }),
  'sync-slowest.svg': timeline('slowest', { mode: 'slowest' }),
  'sync-basepad.svg': timeline('basepad 0:33333333', BASEPAD),
  'sync-refresh.svg': timeline('refresh', { mode: 'refresh' }),
  'sync-timeout.svg': timeline(
    'slowest, pad 2 silent',
    { mode: 'slowest', timeout: [null, null, 120_000_000n] },
    { 2: 2 },
  ),
};
const tables = {
  nosync: outputTable({ mode: 'nosync' }),
  slowest: outputTable({ mode: 'slowest' }),
  basepad: outputTable(BASEPAD),
  refresh: refreshTable(),
};

const page = readFileSync(new URL('sync.md', docs), 'utf8');
const filled = page.replace(/(<!-- table: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, open, name, close) => {
  if (!tables[name]) throw new Error(`docs/sync.md asks for a table '${name}', there are ${Object.keys(tables)}`);
  return `${open}\n${tables[name]}\n\n${close}`;
});
for (const name of Object.keys(tables)) {
  if (!page.includes(`<!-- table: ${name} -->`)) throw new Error(`docs/sync.md has no place for the table '${name}'`);
}

for (const [name, text] of Object.entries({ ...pictures, 'sync.md': filled })) {
  const file = new URL(name, docs);
  if (!check) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/${name} is not what the synchroniser does: run node scripts/draw-sync.mjs`);
    process.exitCode = 1;
  }
}
