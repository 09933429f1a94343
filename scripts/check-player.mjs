/**
 * Plays what `ladder` writes in a browser without a screen, over loopback: HLS of MPEG-TS and of fragmented MP4, with subtitles
 * and encrypted, CMAF by its playlists and by its manifest, DASH. Players are hls.js and dash.js where the npm registry can be reached (they are put
 * into a temporary folder), the browser's own HLS where it has that, and Media Source Extensions by hand, with the codecs
 * that the playlists and manifests name. What is lacking is skipped by its name; without a browser all is.
 * Usage: npm run check:player   (CHROMIUM=path for another browser; half a minute)
 */
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { encode, Graph, ladder } from '../dist/index.js';

const SECONDS = 6;
/** What has to be played of it. */
const WANTED = 2;

const browser = findBrowser();
if (browser === undefined) {
  console.log('skipped: there is no chromium, chromium-browser or google-chrome; CHROMIUM=path names one');
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'millrace-player-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

await makeLadders();
const players = {
  'hls.js': library('hls.js', 'dist/hls.min.js'),
  'dash.js': library('dashjs', 'dist/modern/umd/dash.all.min.js'),
};

/** What is played by what. */
const CASES = [
  ['HLS of MPEG-TS', 'ts/master.m3u8', ['hls.js', 'native']],
  ['HLS of fragmented MP4', 'fmp4/master.m3u8', ['hls.js', 'native', 'MSE']],
  ['HLS with subtitles', 'subtitled/master.m3u8', ['hls.js']],
  ['HLS that is encrypted', 'encrypted/master.m3u8', ['hls.js', 'native']],
  ['CMAF by its playlists', 'cmaf/master.m3u8', ['hls.js', 'native', 'MSE']],
  ['CMAF by its manifest', 'cmaf/manifest.mpd', ['dash.js', 'MSE']],
  ['DASH', 'dash/manifest.mpd', ['dash.js', 'MSE']],
].flatMap(([what, url, by]) => by.map((player) => ({ what, url, player })));

const left = CASES.filter(({ what, player }) => {
  if (!(player in players) || players[player] !== undefined) return true;
  console.log(`skipped: ${what} by ${player}: npm could not fetch it`);
  return false;
});
const failed = await play(left);
process.exitCode = failed > 0 ? 1 : 0;

function findBrowser() {
  const given = process.env.CHROMIUM;
  if (given) return given;
  return ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync('which', [name]).status === 0);
}

async function makeLadders() {
  const film = join(folder, 'film.mkv');
  const maker = new Graph();
  const [voice, comment] = [220, 880].map((frequency) => maker.filter('sine', { frequency, duration: SECONDS }));
  const srt = join(folder, 'film.srt');
  writeFileSync(srt, '1\n00:00:00,500 --> 00:00:05,000\nHello\n');
  encode(
    {
      video: maker.filter('testsrc2', { size: '320x180', rate: 25, duration: SECONDS }),
      audio: [voice, comment],
      subtitle: maker.decode({ input_path: srt }).subtitles[0],
    },
    {
      output_path: film,
      video_params: { preset: 'ultrafast' },
      streams: { audio: [{ language: 'deu' }, { language: 'eng', title: 'Commentary' }] },
    },
  );
  await maker.run();
  const [ts, fmp4] = ['mpegts', 'fmp4'].map((type) => ({ duration: 1, type }));
  const encrypt = { uri: '/secret.key', key_path: join(folder, 'secret.key') };
  for (const [name, format, own] of [
    ['ts/master.m3u8', 'hls', { segment: ts }],
    ['fmp4/master.m3u8', 'hls', { segment: fmp4 }],
    ['subtitled/master.m3u8', 'hls', { segment: fmp4, subtitles: [0] }],
    ['encrypted/master.m3u8', 'hls', { segment: ts, encrypt }],
    ['cmaf/master.m3u8', 'cmaf', { segment: { duration: 1 } }],
    ['dash/manifest.mpd', 'dash', { segment: { duration: 1 } }],
  ]) {
    await ladder(film, {
      output_path: join(folder, name),
      format,
      renditions: [
        { height: 180, bit_rate: '300k', preset: 'ultrafast' },
        { height: 90, bit_rate: '80k', preset: 'ultrafast' },
      ],
      audio: [
        { source: 0, bit_rate: '64k' },
        { source: { language: 'eng' }, bit_rate: '64k' },
      ],
      ...own,
    }).graph.run();
  }
}

/** Text of a file of a package; undefined where the registry cannot be reached. */
function library(name, file) {
  const { status, stdout } = spawnSync('npm', ['pack', name, '--silent', '--pack-destination', folder], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  const archive = join(folder, String(stdout).trim().split('\n').at(-1) ?? '');
  if (status !== 0 || !archive.endsWith('.tgz') || !existsSync(archive)) return undefined;
  spawnSync('tar', ['-xzf', archive, '-C', folder, `package/${file}`]);
  const found = join(folder, 'package', file);
  return existsSync(found) ? readFileSync(found, 'utf8') : undefined;
}

/** @returns how many were not played. */
async function play(cases) {
  let next = 0;
  let failures = 0;
  let done;
  const all = new Promise((resolve) => {
    done = resolve;
  });
  const types = {
    '.m3u8': 'application/vnd.apple.mpegurl',
    '.mpd': 'application/dash+xml',
    '.js': 'text/javascript',
    '.ts': 'video/mp2t',
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://loopback');
    const send = (type, text) => response.writeHead(200, { 'content-type': type }).end(text);
    if (pathname === '/') {
      if (next === cases.length) return send('text/html', '');
      return send('text/html', page(cases[next]));
    }
    if (pathname === '/result') {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        if (tell(cases[next], JSON.parse(body))) failures++;
        next++;
        send('text/plain', 'ok');
        if (next === cases.length) done();
      });
      return;
    }
    if (pathname.startsWith('/players/')) return send(types['.js'], players[pathname.slice(9)] ?? '');
    const file = join(folder, normalize(pathname));
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'video/mp4',
      'content-length': statSync(file).size,
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const child = spawn(
    browser,
    [
      ...[
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--mute-audio',
        '--no-first-run',
        '--disable-dev-shm-usage',
      ],
      ...['--autoplay-policy=no-user-gesture-required', `--user-data-dir=${join(folder, 'profile')}`],
      `http://127.0.0.1:${server.address().port}/`,
    ],
    { stdio: 'ignore', detached: true },
  );
  const limit = setTimeout(() => done(), 30_000 * cases.length);
  child.on('error', done);
  child.on('exit', done);
  await all;
  clearTimeout(limit);
  try {
    process.kill(-child.pid);
  } catch {
    // It has gone by itself.
  }
  if (child.exitCode === null && child.signalCode === null && child.pid)
    await new Promise((resolve) => child.once('exit', resolve));
  server.closeAllConnections();
  server.close();
  for (const { what, player } of cases.slice(next)) {
    console.log(`failed: ${what} by ${player}: the browser ended before, or did not answer`);
  }
  return failures + cases.length - next;
}

/** @returns whether it failed. */
function tell({ what, player }, { skipped, error, seconds, frames, audio, size, texts }) {
  const name = `${what} by ${player}`;
  if (skipped) {
    console.log(`skipped: ${name}: ${skipped}`);
    return false;
  }
  const isPlayed =
    !error && seconds > WANTED && frames > 0 && audio !== 0 && (!what.includes('subtitles') || texts > 0);
  const figures = `${seconds?.toFixed(2)} s, ${frames} pictures of ${size}${audio === undefined ? '' : `, ${audio} bytes of sound`}${texts ? `, ${texts} subtitles` : ''}`;
  console.log(`${isPlayed ? 'ok' : 'failed'}: ${name}: ${error ?? 'played'}: ${figures}`);
  return !isPlayed;
}

function page({ url, player }) {
  const script = players[player] === undefined ? '' : `<script src="/players/${player}"></script>`;
  return `<!doctype html><meta charset="utf-8"><video muted autoplay></video>${script}
<script>(${inBrowser})(${JSON.stringify({ url: `/${url}`, player, wanted: WANTED })})</script>`;
}

/** Runs in the page: plays, tells the server how far, and goes on to the next. */
async function inBrowser({ url, player, wanted }) {
  const video = document.querySelector('video');
  const result = {};
  let hls;
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const text = async (from) => (await fetch(from)).text();

  /** Codec, and URLs of the header and the segments, of the first picture and sound. */
  async function ofPlaylists(master) {
    const lines = (await text(master)).split('\n');
    const at = lines.findIndex((line) => line.startsWith('#EXT-X-STREAM-INF'));
    const codecs = /CODECS="([^"]+)"/.exec(lines[at])[1].split(',');
    const media = lines.find((line) => line.startsWith('#EXT-X-MEDIA:TYPE=AUDIO'));
    const lists = [lines[at + 1], ...(media ? [/URI="([^"]+)"/.exec(media)[1]] : [])];
    return Promise.all(
      lists.map(async (list, n) => {
        const base = new URL(list, master);
        const content = await text(base);
        const header = /#EXT-X-MAP:URI="([^"]+)"/.exec(content)[1];
        const segments = content.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
        return {
          type: n === 0 ? `video/mp4; codecs="${codecs[0]}"` : `audio/mp4; codecs="${codecs.at(-1)}"`,
          urls: [header, ...segments].map((one) => new URL(one, base)),
        };
      }),
    );
  }

  async function ofManifest(manifest) {
    const xml = new DOMParser().parseFromString(await text(manifest), 'text/xml');
    const kinds = new Set();
    return [...xml.querySelectorAll('AdaptationSet')].flatMap((set) => {
      const one = set.querySelector('Representation');
      const template = one.querySelector('SegmentTemplate') ?? set.querySelector('SegmentTemplate');
      const mime = one.getAttribute('mimeType') ?? set.getAttribute('mimeType');
      if (kinds.has(mime)) return [];
      kinds.add(mime);
      const filled = (name, number) =>
        template
          .getAttribute(name)
          .replace('$RepresentationID$', one.id)
          .replace(/\$Number(?:%0(\d+)d)?\$/, (_, digits) => String(number).padStart(Number(digits ?? 0), '0'));
      const count = [...template.querySelectorAll('S')].reduce(
        (sum, s) => sum + 1 + Number(s.getAttribute('r') ?? 0),
        0,
      );
      const start = Number(template.getAttribute('startNumber') ?? 1);
      const names = [filled('initialization'), ...Array.from({ length: count }, (_, n) => filled('media', start + n))];
      return [
        {
          type: `${mime}; codecs="${one.getAttribute('codecs') ?? set.getAttribute('codecs')}"`,
          urls: names.map((name) => new URL(name, manifest)),
        },
      ];
    });
  }

  async function byHand(from) {
    const tracks = await (from.pathname.endsWith('.mpd') ? ofManifest(from) : ofPlaylists(from));
    const unknown = tracks.find(({ type }) => !MediaSource.isTypeSupported(type));
    if (unknown) throw new Error(`the browser does not play ${unknown.type}`);
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    await new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }));
    const buffers = tracks.map(({ type }) => source.addSourceBuffer(type));
    await Promise.all(
      tracks.map(async ({ urls }, n) => {
        for (const one of urls) {
          const bytes = await (await fetch(one)).arrayBuffer();
          await new Promise((resolve, reject) => {
            buffers[n].addEventListener('updateend', resolve, { once: true });
            buffers[n].addEventListener('error', () => reject(new Error(`${one.pathname} is refused`)), { once: true });
            buffers[n].appendBuffer(bytes);
          });
        }
      }),
    );
    source.endOfStream();
  }

  try {
    const from = new URL(url, location);
    if (player === 'native') {
      if (video.canPlayType('application/vnd.apple.mpegurl') === '')
        result.skipped = 'this browser has no HLS of its own';
      else video.src = from;
    } else if (player === 'hls.js') {
      hls = new window.Hls();
      hls.on(window.Hls.Events.ERROR, (_, { fatal, details }) => {
        if (fatal) result.error = details;
      });
      hls.loadSource(from.href);
      hls.attachMedia(video);
    } else if (player === 'dash.js') {
      const dash = window.dashjs.MediaPlayer().create();
      dash.on('error', ({ error }) => {
        result.error = error?.message ?? String(error);
      });
      dash.initialize(video, from.href, true);
    } else await byHand(from);
    video.addEventListener('error', () => {
      result.error ??= video.error?.message ?? 'the element failed';
    });
    if (!result.skipped) {
      video.play().catch(() => {});
      // What is not shown is not read.
      const show = () => {
        for (const track of video.textTracks) track.mode = 'showing';
        if (window.Hls && player === 'hls.js') hls.subtitleTrack = 0;
      };
      video.addEventListener('playing', show);
      for (let n = 0; n < 200 && !result.error && video.currentTime <= wanted; n++) await wait(100);
    }
  } catch (error) {
    result.error = error.message;
  }
  result.seconds = video.currentTime;
  result.frames = video.getVideoPlaybackQuality().totalVideoFrames;
  result.audio = video.webkitAudioDecodedByteCount;
  result.texts = [...video.textTracks].reduce((count, { cues }) => count + (cues?.length ?? 0), 0);
  result.size = `${video.videoWidth}x${video.videoHeight}`;
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
  location.reload();
}
