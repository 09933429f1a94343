/** FIFOs, and who writes into them; none of them keeps the process alive. */
import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Fifo {
  readonly path: string;
  /** Opens it for writing, whether or not anybody reads, and writes this. */
  write(bytes: Uint8Array): Writer;
  /** Whoever has it open for writing closes it, and it is gone. */
  remove(): void;
}

export interface Writer {
  /** Everything has been taken by the pipe. */
  readonly written: Promise<void>;
  close(): void;
}

export function makeFifo(): Fifo {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fifo-'));
  const path = join(folder, 'media');
  execFileSync('mkfifo', [path]);
  const sockets = new Set<Socket>();
  return {
    path,
    write(bytes) {
      // Opened for both, it need not wait for a reader.
      const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
      const socket = new Socket({ fd, readable: false, writable: true });
      socket.unref();
      sockets.add(socket);
      socket.on('error', () => {});
      const written = new Promise<void>((resolve) => {
        if (bytes.length === 0) resolve();
        else socket.write(bytes, () => resolve());
      });
      return { written, close: () => void socket.destroy() };
    },
    remove() {
      for (const socket of sockets) socket.destroy();
      rmSync(folder, { recursive: true });
    },
  };
}
