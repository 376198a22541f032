/** Fetching once what many events have made stale. */
import { ApiError } from '../api/http.js';

/** @type {Map<string, {running: Promise<void>, again: boolean}>} */
const running = new Map();

/**
 * Many changes at once are one fetch, and one more if something changed while it ran.
 * @param {string} key
 * @param {() => Promise<void>} work
 * @returns {() => Promise<void>}
 */
export function together(key, work) {
  return () => {
    const present = running.get(key);
    if (present) {
      present.again = true;
      return present.running;
    }
    const entry = { again: false, running: Promise.resolve() };
    entry.running = (async () => {
      do {
        entry.again = false;
        await work();
      } while (entry.again);
    })().finally(() => running.delete(key));
    running.set(key, entry);
    return entry.running;
  };
}

/**
 * Something that nobody waits for. While the server is away it fails, and is done again when the socket is back.
 * @param {Promise<unknown>} work
 */
export function background(work) {
  work.catch((error) => {
    if (!(error instanceof ApiError)) throw error;
  });
}
