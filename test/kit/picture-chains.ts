/** Chains of filters for pictures of at least 32x32: what may be joined into one FFmpeg graph, and what may not. */
import type { Step } from './filter-chains.js';

export const PICTURE_CHAINS: readonly (readonly Step[])[] = [
  ['scale=32:24', 'hflip', 'vflip'],
  ['hflip', 'crop=28:24:2:2', 'pad=48:32:4:4:red', 'drawbox=2:2:10:10:blue', 'setsar=1', 'vflip'],
  ['crop=iw-8:ih-8:4:4', 'scale=iw*2:ih*2', 'negate', 'transpose'],
  // Formats are negotiated between the two neighbours, not over the whole.
  ['eq=contrast=1.2', 'format=rgb24', 'hflip'],
  ['format=rgb24', 'eq=brightness=0.1', 'format=gray'],
  ['negate', 'format=yuv444p', 'drawbox=1:1:8:8:white@0.5:t=fill', 'format=yuv420p'],
  ['hflip', 'lutrgb=r=negval', 'vflip', 'lutyuv=y=val/2'],
  ['colorchannelmixer=.3:.4:.3', 'boxblur=1:1', 'colorlevels=rimin=0.1', 'hue=h=40'],
  ['format=yuv420p10le', 'unsharp', 'format=yuva420p', 'negate', 'scale=24:16'],
  ['scale=out_range=full', 'eq=gamma=1.4', 'format=bgr24', 'curves=preset=vintage'],
  ['format=gbrp', 'gblur=1', 'format=nv12', 'hflip'],
  ['vflip', 'hflip', 'vflip', 'format=gray', 'pad=iw+4:ih+4'],
  // What makes use of the shape of pixels.
  ['setsar=2', 'scale=40:40', 'setdar=4/3', 'pad=64:64:-1:-1'],
  ['scale=32:-2', 'crop=20:16:keep_aspect=1', 'pad=64:64:-1:-1', 'hflip'],
  ['rotate=PI/6', 'pixelize=4:4', 'sobel', 'transpose=cclock'],
  // What depends on time, or on what was before.
  ['rotate=t', 'crop=20:16:t*10:0', 'hue=H=t', 'drawbox=0:0:9:9:red:enable=gt(t\\,0.3)'],
  ['hflip=enable=gte(n\\,3)', 'eq=eval=frame:brightness=n/50', 'scale=eval=frame:w=24+2*n:h=24', 'negate'],
  ['crop=20:16:n:0', 'vflip', 'scale=30:20'],
  ['hflip', 'format=rgb8', 'format=yuv420p', 'vflip'],
  ['format=pal8', 'hflip', 'scale=30:20'],
  ['noise=alls=20:allf=t:all_seed=7', 'hflip', 'vflip'],
  ['fps=50', 'scale=32:24', 'hflip'],
  ['scale=32:24', 'fps=10', 'hflip', 'negate'],
  ['setpts=2*PTS', 'fps=25', 'vflip'],
  ['hflip', 'vflip', 'fps=30000/1001', 'setpts=PTS-STARTPTS'],
  ['trim=start=0.2:end=0.6', 'setpts=PTS-STARTPTS', 'scale=24:24', 'pad=32:32'],
  ['scale=24:24', 'trim=end_frame=5', 'tpad=stop=3:stop_mode=clone', 'hflip'],
  ['select=mod(n\\,2)', 'setpts=N/TB/25', 'fade=in:0:5', 'vflip'],
  ['loop=2:3', 'hflip', 'vflip', 'tmix=3'],
  ['tblend=average', 'scale=24:24', 'framestep=2', 'settb=1/1000', 'fps=20'],
  ['reverse', 'hflip', 'crop=20:20', 'reverse'],
  ['fade=t=out:st=0.3:d=0.2', { graph: '[0]split[a][b];[b]hflip[c];[a][c]blend=all_mode=average' }, 'vflip'],
  ['hflip', { graph: 'color=red:s=8x8:r=25,format=yuva420p[c];[0][c]overlay=4:4:shortest=1' }, 'negate', 'vflip'],
  ['metadata=add:key=a:value=b', 'hflip', 'vflip', 'setparams=colorspace=bt709'],
];

export function titleOf(steps: readonly Step[]): string {
  return steps.map((step) => (typeof step === 'string' ? step : step.graph)).join(' , ');
}
