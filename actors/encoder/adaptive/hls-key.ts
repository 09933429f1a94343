/** The key of encrypted HLS: FFmpeg wants it in a file, and where it is in another one. Both go with the output. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '../../../src/errors/errors.js';
import { refusalOf } from '../../../src/errors/file-error.js';
import { messageOf } from '../../../src/errors/wire.js';
import type { Encryption } from './options.js';

export class HlsKey {
  readonly #folder: string;
  /** For the muxer's option hls_key_info_file. */
  readonly infoPath: string;

  /** @throws MillraceError ERR_MILLRACE_OUTPUT if the key cannot be written. */
  constructor({ uri, key, iv, key_path: path }: Encryption) {
    // Loaded here: it takes long, and every thread has this file.
    const { randomBytes } = process.getBuiltinModule('node:crypto');
    const bytes = key === undefined ? randomBytes(16) : Buffer.from(key, 'hex');
    if (path !== undefined) writeKey(path, bytes);
    this.#folder = mkdtempSync(join(tmpdir(), 'millrace-key-'));
    const file = join(this.#folder, 'key');
    this.infoPath = join(this.#folder, 'info');
    writeFileSync(file, bytes, { mode: 0o600 });
    const vector = iv ?? randomBytes(16).toString('hex');
    writeFileSync(this.infoPath, `${uri}\n${file}\n${vector}\n`, { mode: 0o600 });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function writeKey(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { mode: 0o600 });
  } catch (cause) {
    const { why = messageOf(cause), hint } = refusalOf(cause) ?? {};
    throw new MillraceError('ERR_MILLRACE_OUTPUT', `encrypt.key_path: cannot write ${path}: ${why}`, { cause, hint });
  }
}
