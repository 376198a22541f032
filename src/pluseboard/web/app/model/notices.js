/** Notifications: the list, the number that is unread, and those of the browser while the page is in the background. */
import { api } from '../api/http.js';
import { navigate } from '../router.js';
import { state, update } from '../store.js';
import { background } from './together.js';
import { countMention, refreshUnread } from './unread.js';
import { refreshWorkspaces, reloadChannels } from './workspaces.js';

/** @import {Frame, Notice} from '../types.js' */

const WISH = 'pluseboard.browser-notifications';

/** @param {{older?: boolean}} options */
export async function loadNotices({ older = false } = {}) {
  const before_id = older ? state.notices[state.notices.length - 1]?.id : undefined;
  /** @type {{data: Notice[], has_more: boolean}} */
  const page = await api.get('notifications', { limit: 50, before_id });
  const known = new Map(older ? state.notices.map((notice) => [notice.id, notice]) : []);
  for (const notice of page.data) known.set(notice.id, notice);
  update({ notices: [...known.values()].sort((a, b) => b.id - a.id) });
  return page.has_more;
}

/** @param {Notice} notice */
export function receiveNotice(notice) {
  if (state.notices.some(({ id }) => id === notice.id)) return;
  update({ notices: [notice, ...state.notices] });
  if (!notice.read_at) update({ unreadNotices: state.unreadNotices + 1 });
  if (notice.kind === 'mention' && notice.channel_id) countMention(notice.channel_id);
  if (notice.kind === 'workspace_added') background(refreshWorkspaces());
  if (notice.kind === 'channel_added') background(reloadChannels(notice.workspace_id));
  show(notice);
}

/** @param {Frame} frame */
export function receiveNoticesRead({ notification_id, unread_count }) {
  const now = new Date().toISOString().slice(0, 19);
  const read = (/** @type {Notice} */ notice) =>
    !notice.read_at && (notification_id === null || notice.id === notification_id)
      ? { ...notice, read_at: now }
      : notice;
  update({ notices: state.notices.map(read), unreadNotices: unread_count });
  background(refreshUnread()); // reading a mention lowers its channel's count
}

/** @param {number} id */
export async function readNotice(id) {
  await api.post(`notifications/${id}/read`);
  receiveNoticesRead({ type: '', notification_id: id, unread_count: Math.max(0, state.unreadNotices - 1) });
}

export async function readAllNotices() {
  await api.post('notifications/read');
  receiveNoticesRead({ type: '', notification_id: null, unread_count: 0 });
}

/** Where a notification leads. @param {Notice} notice */
export function placeOf({ workspace_id, channel_id, message_id }) {
  if (!channel_id) return `/w/${workspace_id}`;
  return `/w/${workspace_id}/c/${channel_id}${message_id ? `/m/${message_id}` : ''}`;
}

// --- the browser's own ---

export const canShow = () => 'Notification' in window && Notification.permission !== 'denied';
export const isShowing = () =>
  'Notification' in window && Notification.permission === 'granted' && localStorage.getItem(WISH) === 'on';

/** @param {boolean} on */
export async function setShowing(on) {
  if (on && Notification.permission !== 'granted') await Notification.requestPermission();
  localStorage.setItem(WISH, on && Notification.permission === 'granted' ? 'on' : 'off');
  return isShowing();
}

/** @param {Notice} notice */
function show(notice) {
  if (document.visibilityState === 'visible' || !isShowing()) return;
  // The tag keeps several tabs from showing it several times.
  const shown = new Notification('pluseboard', { body: notice.message, tag: `notice-${notice.id}` });
  shown.onclick = () => {
    window.focus();
    navigate(placeOf(notice));
    shown.close();
  };
}
