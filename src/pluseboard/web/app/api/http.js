/**
 * The HTTP API. The session is in HttpOnly cookies, which the browser sends and the server renews by itself, so a call needs
 * no token: a 401 means that the session has ended.
 */

/** A call that was refused, or that did not arrive (`status` 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   * @param {number} retryAfter seconds
   */
  constructor(status, code, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** @type {(() => void) | null} */
let onSignedOut = null;

/** @param {() => void} listener */
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

const PUBLIC = /^\/api\/(register|request-otp|verify-otp|logout|me)\//;
const TRIES = 3;

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>} the body of the answer
 */
async function call(method, path, body) {
  const request = {
    method,
    headers: body ? { 'Content-Type': 'application/json' } : undefined,
    body: body && JSON.stringify(body),
  };
  for (let attempt = 1; ; attempt++) {
    const error = await once(path, request);
    if (!(error instanceof ApiError)) return error;
    if (error.status === 401 && !PUBLIC.test(path)) onSignedOut?.();
    // A read may always be repeated; of a write only the server's own 503 says that nothing was done.
    const again = error.status === 503 || (error.status === 0 && method === 'GET');
    if (!again || attempt === TRIES) throw error;
    await new Promise((resolve) => setTimeout(resolve, Math.max(error.retryAfter * 1000, 300 * attempt)));
  }
}

/**
 * @param {string} path
 * @param {RequestInit} request
 */
async function once(path, request) {
  try {
    const response = await fetch(path, request);
    const answer = response.status === 204 ? {} : await response.json();
    if (response.ok) return answer;
    const retryAfter = Number(response.headers.get('Retry-After')) || 0;
    return new ApiError(response.status, answer.code, answer.message, retryAfter);
  } catch {
    return new ApiError(0, 'unreachable', 'The server cannot be reached. Please try again in a moment.');
  }
}

/** @param {Record<string, unknown>} query */
const written = (query) => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}` : '';
};

export const api = {
  /** @param {string} path @param {Record<string, unknown>} [query] */
  get: (path, query = {}) => call('GET', `/api/${path}/${written(query)}`),
  /** @param {string} path @param {object} [body] */
  post: (path, body) => call('POST', `/api/${path}/`, body ?? {}),
  /** @param {string} path @param {object} body */
  patch: (path, body) => call('PATCH', `/api/${path}/`, body),
  /** @param {string} path */
  delete: (path) => call('DELETE', `/api/${path}/`),
};
