/** What is unread: counted as it comes, and made exact by GET /api/unread/ where counting cannot be. */
import { api } from '../api/http.js';
import { state, update } from '../store.js';
import { loadNotices } from './notices.js';
import { background, together } from './together.js';

/** @import {Activity, Channel, Frame} from '../types.js' */

/**
 * @param {number} id
 * @param {Partial<Channel>} change
 */
function changeChannel(id, change) {
  const channel = state.channels[id];
  if (channel) update({ channels: { ...state.channels, [id]: { ...channel, ...change } } });
}

/** Somebody wrote. In the channel on screen the message itself counts. @param {Activity} record */
export function countUnread({ channel_id, actor_email }) {
  const channel = channel_id ? state.channels[channel_id] : undefined;
  if (!channel?.is_member) return;
  if (actor_email === state.me?.email) changeChannel(channel.id, { unread_count: 0, mention_count: 0 });
  else if (state.reading !== channel.id) changeChannel(channel.id, { unread_count: channel.unread_count + 1 });
  changed = true;
}

/** @param {number} channelId */
export function countMention(channelId) {
  const channel = state.channels[channelId];
  if (channel) changeChannel(channelId, { mention_count: channel.mention_count + 1 });
  changed = true;
}

/** Read on this device or another one. @param {Frame} frame */
export function setRead({ channel_id, read_seq, unread_count, mention_count }) {
  const mentioned = (state.channels[channel_id]?.mention_count ?? 0) > mention_count;
  changeChannel(channel_id, { read_seq, unread_count, mention_count });
  // Reading messages reads the mentions in them.
  if (mentioned) background(Promise.all([loadNotices(), refreshUnread()]));
}

let changed = false; // something was counted while the exact numbers were on their way

export const refreshUnread = together('unread', async () => {
  do {
    changed = false;
    const { data } = await api.get('unread');
    /** @type {Map<number, {read_seq: number, unread_count: number, mention_count: number}>} */
    const waiting = new Map(data.channels.map((/** @type {Frame} */ each) => [each.channel_id, each]));
    const channels = Object.values(state.channels).map((channel) => {
      const { read_seq = channel.read_seq, unread_count = 0, mention_count = 0 } = waiting.get(channel.id) ?? {};
      return [channel.id, { ...channel, read_seq, unread_count, mention_count }];
    });
    update({ channels: Object.fromEntries(channels), unreadNotices: data.notifications });
  } while (changed);
});

/**
 * Mark as read up to a seq. The answer is exact; other devices are told by the server.
 * @param {number} channelId
 * @param {number} [seq]
 */
export async function markRead(channelId, seq) {
  const { data } = await api.post(`channels/${channelId}/read`, seq === undefined ? {} : { seq });
  setRead(data);
}
