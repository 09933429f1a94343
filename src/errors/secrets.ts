/** What a URL says that is for its peer only: messages, the log and reports name it without. */

/** `user:password@` before a host, also where FFmpeg's escapes stand around the colon. */
const CREDENTIALS = /([a-z][a-z0-9+.-]*\\*:\/\/)[^\s/?#]*@/gi;
/** The key of an SRT connection. */
const KEYS = /([?&](?:passphrase|password)=)[^&\s'"]*/gi;

/** A text without the names, passwords and keys of the URLs in it. */
export function withoutSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1***@').replace(KEYS, '$1***');
}
