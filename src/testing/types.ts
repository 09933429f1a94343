export interface TestSourceOptions {
  /** Packets to make; absent or negative: without end. */
  count?: number;
  /** Default 'value': plain objects `{ n }`. */
  kind?: 'value' | 'bytes' | 'video' | 'audio';
  /** Microseconds between timestamps; default 40,000. */
  interval?: number;
  /** First timestamp in microseconds; default 0. */
  start?: number;
  /** Milliseconds to sleep before every packet (the source is asynchronous then). */
  delay?: number;
  /** Bytes of a 'bytes' payload; default 16. */
  size?: number;
  /** 'video'; defaults 64, 36, yuv420p. */
  width?: number;
  height?: number;
  format?: string;
  /** Samples per 'audio' frame (mono, 48 kHz, fltp); default 1024. */
  samples?: number;
}

/** What a TestSink saw of one packet. Pictures and samples are told by their MD5 (all planes, tightly packed). */
export interface SeenPacket {
  input: number;
  timestamp: number | undefined;
  kind?: 'video' | 'audio' | 'packet' | 'value';
  pts?: bigint | undefined;
  hash?: string;
  value?: unknown;
  width?: number;
  height?: number;
  format?: string;
  samples?: number;
  sampleRate?: number;
  channels?: number;
}
