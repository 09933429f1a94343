/**
 * Runs the tests under other versions of Node.js, which npx fetches as packages.
 * Usage: npm run test:node-versions [-- [--versions 20,22,24] [part of a test's path …]]
 * Without a part of a path: the tests that touch threads, native code and the command line.
 */
import { spawnSync } from 'node:child_process';

const SMOKE = [
  'ringbuffer/',
  'media/wire',
  'e2e/',
  'actors/decoder/decoder.test',
  'actors/encoder/video.test',
  'cli/',
  'examples',
  'snippets',
];

const args = process.argv.slice(2);
const at = args.indexOf('--versions');
const versions = at < 0 ? ['20', '22', '24'] : (args.splice(at, 2)[1] ?? '').split(',');
const wanted = args.length > 0 ? args : SMOKE;

let failed = false;
for (const version of versions) {
  // npx puts this version first on the PATH, so that processes started by the tests run on it as well.
  const command = ['--yes', '-p', `node@${version}`, 'node', '--enable-source-maps', '--import', 'tsx', 'test/run.ts'];
  const { stdout } = spawnSync('npx', [...command.slice(0, 4), '--version'], { encoding: 'utf8' });
  console.log(`\nNode.js ${stdout.trim() || `${version} (not found)`}`);
  const { status } = spawnSync('npx', [...command, ...wanted], { stdio: 'inherit' });
  if (status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
