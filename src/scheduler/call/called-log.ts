/** What a called module has said: its warnings, and all of it to whoever listens. */
import { queueMicrotask } from '../../../ringbuffer/clock.js';
import { GraphError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { isWarning, type LogListener, type LogSeverity } from '../../module/log.js';
import type { CalledSpec } from '../../thread/protocol.js';

export class CalledLog {
  readonly warnings: string[] = [];

  constructor(
    private readonly spec: Pick<CalledSpec, 'alias' | 'module'>,
    private readonly listener: LogListener | undefined,
  ) {}

  /** Somebody listens to more than warnings and errors. */
  get heard(): boolean {
    return this.listener !== undefined;
  }

  /** @param context who speaks, if not the module: that is no warning of the module's. */
  take(level: LogSeverity, text: string, context?: string): void {
    if (isWarning(level) && context === undefined) this.warnings.push(text);
    const { alias, module } = this.spec;
    try {
      this.listener?.({ level, node: alias, context: context ?? module.name, text });
    } catch (cause) {
      // There is no run that it could fail, and the call that is being made is not to blame: it is thrown as what a
      // listener of an emitter throws is.
      const where = { alias, module: module.name, cause };
      queueMicrotask(() => {
        throw new GraphError('ERR_MILLRACE_CALLBACK', `onLog of "${alias}" threw: ${messageOf(cause)}`, where);
      });
    }
  }
}
