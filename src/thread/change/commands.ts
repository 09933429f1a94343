/**
 * What a running actor is told to do between two calls of its module. Commands wait until no call is under way and are
 * done in the order in which they came, before anything else of the actor. Each is answered exactly once: when it has been
 * done or has failed, or when the actor is over, so that nobody waits for ever.
 */
import { MillraceError } from '../../errors/errors.js';

export interface Command {
  /** Does it. A promise if the module's part in it is asynchronous. */
  run(): void | Promise<void>;
  /** @param error what it failed of; undefined: it has been done. */
  answer(error: unknown): void;
}

export class Commands {
  private readonly waiting: Command[] = [];
  private over = false;

  /** @param alias of the node, for errors. */
  constructor(private readonly alias: string) {}

  get pending(): boolean {
    return this.waiting.length > 0;
  }

  add(command: Command): void {
    if (this.over) command.answer(this.tooLate());
    else this.waiting.push(command);
  }

  /** Does the first one. What it fails of is its sender's, not the graph's. */
  runNext(): void | Promise<void> {
    const command = this.waiting.shift();
    if (command === undefined) return;
    let pending: void | Promise<void>;
    try {
      pending = command.run();
    } catch (error) {
      command.answer(error);
      return;
    }
    if (pending === undefined) command.answer(undefined);
    else
      return pending.then(
        () => command.answer(undefined),
        (error: unknown) => command.answer(error),
      );
  }

  /** The actor is over: nothing is done any more. */
  end(): void {
    this.over = true;
    for (const command of this.waiting.splice(0)) command.answer(this.tooLate());
  }

  private tooLate(): MillraceError {
    return new MillraceError('ERR_MILLRACE_CLOSED', `node "${this.alias}" has ended`);
  }
}
