/**
 * Messages on their way: shown at once, sent until they are acknowledged, always with the same client_msg_id, so that a repetition
 * is written once. They outlive a reload of the page.
 */
import { api } from '../api/http.js';
import { state, update } from '../store.js';
import { transmit } from './live.js';

/** @import {Message, Pending} from '../types.js' */

const KEPT = 'pluseboard.outbox';
const MAX_FRAME = 15_000; // characters, of at most four bytes each

/**
 * @param {number} channelId
 * @param {string} body
 */
export function sendMessage(channelId, body) {
  const created_at = new Date().toISOString().slice(0, 19);
  /** @type {Pending} */
  const pending = { id: crypto.randomUUID(), channel_id: channelId, body, created_at, error: null };
  change([...state.pending, pending]);
  deliver(pending);
}

/** @param {Pending} pending */
export function sendAgain(pending) {
  const again = { ...pending, error: null };
  change(state.pending.map((each) => (each.id === pending.id ? again : each)));
  deliver(again);
}

/** @param {string} id */
export function discard(id) {
  change(state.pending.filter((each) => each.id !== id));
}

/** What an earlier page of this tab could not send. */
export function resumeOutbox() {
  const { owner, pending } = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
  if (owner !== state.me?.id || !pending) return;
  change(pending);
  for (const each of pending) if (!each.error) deliver(each);
}

/** @param {Pending} pending */
async function deliver(pending) {
  try {
    if (JSON.stringify(pending.body).length < MAX_FRAME) await transmit(pending.channel_id, pending.body, pending.id);
    else await post(pending);
    discard(pending.id);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    change(state.pending.map((each) => (each.id === pending.id ? { ...each, error: message } : each)));
  }
}

/** What is too long for a frame goes over HTTP, again and again until the server has answered. @param {Pending} pending */
async function post({ id, channel_id, body }) {
  for (;;) {
    try {
      return await api.post('messages', { channel_id, body, client_msg_id: id });
    } catch (error) {
      if (![0, 503].includes(/** @type {any} */ (error).status)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

/** @param {Pending[]} pending */
function change(pending) {
  update({ pending });
  if (pending.length) sessionStorage.setItem(KEPT, JSON.stringify({ owner: state.me?.id, pending }));
  else sessionStorage.removeItem(KEPT);
}

/**
 * Those of a channel that have not come back as messages yet.
 * @param {Pending[]} pending
 * @param {number} channelId
 * @param {Message[]} rows
 */
export function waitingIn(pending, channelId, rows) {
  const arrived = new Set(rows.slice(-50).map((row) => row.client_msg_id));
  return pending.filter((each) => each.channel_id === channelId && !arrived.has(each.id));
}
