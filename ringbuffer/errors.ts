export type RingErrorCode =
  | 'ERR_MILLRACE_RECORD_TOO_LARGE' // a record larger than the ring's limit
  | 'ERR_MILLRACE_RING'; // shared memory that is no ring (or of another version), or a ring used against its rules

/** Misuse of a ring or doorbell. What happens in normal operation (full, empty, closed) is a return value instead. */
export class RingError extends Error {
  readonly code: RingErrorCode;
  constructor(code: RingErrorCode, message: string) {
    super(String(message));
    this.name = 'RingError';
    this.code = code;
  }
}

export function misuse(message: string): RingError {
  return new RingError('ERR_MILLRACE_RING', message);
}
