/** The one socket of the page, and what each frame changes in the store. The log of the channel on screen is in log.js. */
import { PluseboardSocket } from '../api/socket.js';
import { state, update } from '../store.js';
import { receiveActivity, reloadActivity } from './activity.js';
import { loadNotices, receiveNotice, receiveNoticesRead } from './notices.js';
import { background } from './together.js';
import { refreshUnread, setRead } from './unread.js';
import { refreshWorkspaces, reloadChannels, reloadMembers } from './workspaces.js';

/** @import {Frame} from '../types.js' */
/** @import {MessageLog} from './log.js' */

/** @type {PluseboardSocket | null} */
let socket = null;
/** @type {MessageLog | null} */
let open = null;

const IDLE_AFTER = 5 * 60_000;
const TYPING_SHOWN = 5000;
const SPOKEN = 200; // characters of a message that screen readers are given

/** @type {Record<string, (frame: Frame) => void>} */
const EVENTS = {
  new_message: (frame) => {
    stopsTyping(frame.channel_id, frame.message.sender_email);
    open?.apply(frame);
    const { sender_email, sender_name, body } = frame.message;
    if (sender_email !== state.me?.email) update({ announcement: `${sender_name}: ${body.slice(0, SPOKEN)}` });
  },
  message_updated: (frame) => open?.apply(frame),
  message_deleted: (frame) => open?.apply(frame),
  typing: ({ channel_id, user_email }) => {
    const typing = { ...state.typing[channel_id], [user_email]: Date.now() + TYPING_SHOWN };
    update({ typing: { ...state.typing, [channel_id]: typing } });
  },
  activity_update: ({ activity }) => receiveActivity(activity),
  presence_update: ({ user_id, status }) => update({ presence: { ...state.presence, [user_id]: status } }),
  notification: ({ notification }) => receiveNotice(notification),
  notifications_read: receiveNoticesRead,
  channel_read: setRead,
  unsubscribed: ({ workspace_id }) => {
    background(refreshWorkspaces());
    background(reloadChannels(workspace_id));
  },
};

/** @param {() => void} onSignedOut */
export function start(onSignedOut) {
  socket = new PluseboardSocket({
    onEvent: (frame) => EVENTS[frame.type]?.(frame),
    onResync: async (log) => {
      if (log.startsWith('channel')) await open?.reload();
      else background(refetch(log));
    },
    onLive: (log) => {
      if (log === 'user') background(refetch(log));
      else if (log.startsWith('workspace')) background(refreshUnread());
      else if (log === `channel:${open?.channelId}`) open?.wentLive();
    },
    onEnd: (log) => {
      if (log === 'session') onSignedOut();
      else if (log.startsWith('channel')) open?.lost();
      else background(refreshWorkspaces());
    },
    onStatus: (connection) => {
      const back = connection === 'online' && state.connection === 'offline';
      update({ connection });
      if (back) background(comeBack());
    },
  });
  socket.follow('user');
  addEventListener('online', hurry);
  document.addEventListener('visibilitychange', touched);
  for (const type of ['keydown', 'pointerdown', 'pointermove']) addEventListener(type, touched, { passive: true });
  idleTimer = setInterval(lookIdle, 10_000);
}

export function stop() {
  socket?.close();
  socket = null;
  open = null;
  clearInterval(idleTimer);
  removeEventListener('online', hurry);
  document.removeEventListener('visibilitychange', touched);
  for (const type of ['keydown', 'pointerdown', 'pointermove']) removeEventListener(type, touched);
}

/** What no log tells of, or what could not be fetched while the server was away. */
async function comeBack() {
  if (open?.error) background(open.open(open.goal));
  await refreshWorkspaces();
  await Promise.all(state.workspaces.flatMap(({ id }) => [reloadChannels(id), reloadMembers(id)]));
}

/** @param {string} log */
async function refetch(log) {
  if (log === 'user') await Promise.all([loadNotices(), refreshUnread()]);
  else await Promise.all([reloadChannels(Number(log.split(':')[1])), reloadActivity(Number(log.split(':')[1]))]);
}

export const hurry = () => socket?.hurry();

/** @param {number} workspaceId */
export function followWorkspace(workspaceId) {
  const log = `workspace:${workspaceId}`;
  if (socket && !socket.logs.has(log)) socket.follow(log);
}

/**
 * Receive a channel's events from `seq` on; the last one is left.
 * @param {MessageLog} log
 * @param {number} seq
 */
export function followChannel(log, seq) {
  if (open && open !== log) unfollowChannel(open);
  open = log;
  socket?.follow(`channel:${log.channelId}`, seq);
}

/** @param {MessageLog} log */
export function unfollowChannel(log) {
  if (open !== log) return;
  socket?.leave(`channel:${log.channelId}`);
  open = null;
}

/**
 * @param {number} channelId
 * @param {string} body
 * @param {string} id
 */
export const transmit = (channelId, body, id) =>
  socket ? socket.send(channelId, body, id) : Promise.reject(new Error('signed out'));

/** @param {number} channelId */
export const tellTyping = (channelId) => socket?.typing(channelId);

/**
 * @param {number} channelId
 * @param {string} email
 */
function stopsTyping(channelId, email) {
  if (!state.typing[channelId]?.[email]) return;
  const { [email]: _, ...others } = state.typing[channelId];
  update({ typing: { ...state.typing, [channelId]: others } });
}

// --- idle: nobody has touched the page for some minutes ---

/** @type {ReturnType<typeof setInterval> | undefined} */
let idleTimer;
let touchedAt = Date.now();

function touched() {
  touchedAt = Date.now();
  if (socket?.presence === 'idle' && document.visibilityState === 'visible') socket.setPresence('online');
}

function lookIdle() {
  if (socket?.presence === 'online' && Date.now() - touchedAt > IDLE_AFTER) socket.setPresence('idle');
}
