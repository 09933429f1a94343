// User code per frame between two ffmpeg processes: raw pictures through pipes, in and out.
// Usage: node pipe.mjs RESULT INPUT OUTPUT|- corner|picture FFMPEG WIDTH HEIGHT FPS
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { touch } from './luma.mjs';

const [result, input, output, mean, ffmpeg, widthText, heightText, fps] = process.argv.slice(2);
const [width, height] = [Number(widthText), Number(heightText)];
const size = (width * height * 3) / 2;

const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p'];
const quiet = ['-v', 'error', '-nostdin'];
const decoder = spawn(ffmpeg, [...quiet, '-i', input, '-an', ...raw, 'pipe:1'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const target = output === '-' ? ['-f', 'null', '-'] : ['-c:v', 'libx264', '-preset', 'veryfast', '-y', output];
const source = [...raw, '-s', `${width}x${height}`, '-r', fps, '-i', 'pipe:0'];
const encoder = spawn(ffmpeg, [...quiet, ...source, ...target], { stdio: ['pipe', 'ignore', 'inherit'] });
const ended = Promise.all([once(decoder, 'close'), once(encoder, 'close')]);

let frames = 0;
let sum = 0;
let frame = Buffer.allocUnsafe(size);
let filled = 0;
for await (const chunk of decoder.stdout) {
  for (let at = 0; at < chunk.length; ) {
    const copied = chunk.copy(frame, filled, at);
    at += copied;
    filled += copied;
    if (filled < size) continue;
    sum += touch(mean, frame, width, width, height);
    frames++;
    if (!encoder.stdin.write(frame)) await once(encoder.stdin, 'drain');
    // The written one may still be on its way.
    frame = Buffer.allocUnsafe(size);
    filled = 0;
  }
}
encoder.stdin.end();
for (const [code] of await ended) if (code !== 0) throw new Error(`ffmpeg ended with code ${code}`);
writeFileSync(result, JSON.stringify({ frames, sum }));
