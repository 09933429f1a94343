/** Cameras, microphones and screens of this machine, as far as node-av and FFmpeg list them. */
import { readdirSync } from 'node:fs';
import { Device, type DeviceInfo, InputFormat } from 'node-av/lib';

export interface MediaDevice {
  readonly kind: 'camera' | 'microphone' | 'screen' | 'virtual';
  /** FFmpeg's name of the way to it: 'v4l2', 'alsa', 'x11grab', 'avfoundation', 'dshow', 'lavfi', … */
  readonly format: string;
  /** What the system calls it; missing for a way of which nothing can be listed. */
  readonly name?: string;
  readonly description: string;
  readonly isDefault?: boolean;
  /** Pixels, of a screen. */
  readonly bounds?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Options of a decoder that opens it. */
  readonly input?: { readonly input_path: string; readonly dec_params: { readonly f: string } };
  /** Why nothing is listed there, and how one is named all the same. */
  readonly note?: string;
}

const KINDS = { video: 'camera', audio: 'microphone', screen: 'screen' } as const;

/** Ways of FFmpeg's to devices that neither node-av nor we can list: what they reach, and how one is named. */
const UNLISTED: readonly (readonly [format: string, kind: MediaDevice['kind'], note: string])[] = [
  ['pulse', 'microphone', "names are those of 'pactl list sources short', or 'default'"],
  ['oss', 'microphone', 'names are files such as /dev/dsp'],
  ['jack', 'microphone', 'the name is that of the client that connects to JACK'],
  ['sndio', 'microphone', "names are sndio's, such as 'snd/0'"],
  ['openal', 'microphone', "names are OpenAL's; '' is the default"],
  ['decklink', 'camera', "names are those of Blackmagic's tools"],
  ['libdc1394', 'camera', 'a number selects the camera'],
  ['iec61883', 'camera', "'auto' takes the first one"],
  ['kmsgrab', 'screen', 'the option device names the card, such as /dev/dri/card0; it needs CAP_SYS_ADMIN'],
  ['gdigrab', 'screen', "'desktop' is all of it, 'title=…' a window"],
  ['vfwcap', 'camera', 'a number from 0 on selects the camera'],
  ['android_camera', 'camera', 'a number from 0 on selects the camera'],
];

export async function devices(): Promise<MediaDevice[]> {
  const { platform, env } = process;
  const known = (format: string): boolean => InputFormat.findInputFormat(format) !== null;
  const list = (await Device.list()).map(deviceOf);
  const found = (kind: MediaDevice['kind']): boolean => list.some((device) => device.kind === kind);
  const formats = {
    camera: Device.getVideoFormat(),
    microphone: Device.getAudioFormat(),
    screen: Device.getScreenFormat(),
  };
  for (const [kind, format] of Object.entries(formats) as [keyof typeof formats, string][]) {
    if (found(kind) || !known(format)) continue;
    if (kind === 'screen' && platform === 'linux' && env.DISPLAY) {
      list.push({ kind, format, name: env.DISPLAY, description: 'X11 display', ...inputOf(format, env.DISPLAY) });
      continue;
    }
    list.push({ kind, format, description: longName(format), note: whyNone(kind, platform) });
  }
  if (platform === 'linux' && known('fbdev')) {
    for (const path of framebuffers()) {
      list.push({
        kind: 'screen',
        format: 'fbdev',
        name: path,
        description: 'Linux framebuffer',
        ...inputOf('fbdev', path),
      });
    }
  }
  for (const [format, kind, note] of UNLISTED) {
    if (known(format)) list.push({ kind, format, description: longName(format), note: `not listed: ${note}` });
  }
  if (known('lavfi')) {
    const description = 'any graph of filters without inputs';
    list.push({ kind: 'virtual', format: 'lavfi', name: 'testsrc2', description, ...inputOf('lavfi', 'testsrc2') });
  }
  return list;
}

function deviceOf(device: DeviceInfo): MediaDevice {
  const kind = KINDS[device.type];
  const format =
    kind === 'camera'
      ? Device.getVideoFormat()
      : kind === 'screen'
        ? Device.getScreenFormat()
        : Device.getAudioFormat();
  const { name, description, isDefault } = device;
  // DirectShow wants to know what kind it is; AVFoundation has the picture before the colon and the sound behind it.
  const path =
    format === 'dshow'
      ? `${device.type}=${name}`
      : format === 'avfoundation' && kind === 'microphone'
        ? `:${name}`
        : name;
  const bounds = device.type === 'screen' ? { bounds: device.bounds } : {};
  return { kind, format, name, description, isDefault, ...bounds, ...inputOf(format, path) };
}

function inputOf(format: string, path: string): { input: NonNullable<MediaDevice['input']> } {
  return { input: { input_path: path, dec_params: { f: format } } };
}

function longName(format: string): string {
  return InputFormat.findInputFormat(format)?.longName ?? format;
}

function whyNone(kind: MediaDevice['kind'], platform: NodeJS.Platform): string {
  if (platform !== 'linux') return 'none is there, or this program may not use it';
  if (kind === 'camera') return 'none is there: no /dev/video* can be opened';
  if (kind === 'microphone') return "none is listed: ALSA has none; 'default' and 'hw:0' are names all the same";
  return 'there is no display: DISPLAY is not set; Wayland has none that FFmpeg can grab';
}

function framebuffers(): string[] {
  try {
    return readdirSync('/dev')
      .filter((name) => /^fb\d+$/.test(name))
      .map((name) => `/dev/${name}`);
  } catch {
    // Without /dev there are none.
    return [];
  }
}
