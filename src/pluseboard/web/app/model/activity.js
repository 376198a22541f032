/** The activity of workspaces: a feed to show, and the word that channels or members have changed. */
import { api } from '../api/http.js';
import { state, update } from '../store.js';
import { background, together } from './together.js';
import { countUnread } from './unread.js';
import { refreshWorkspaces, reloadChannels, reloadMembers } from './workspaces.js';

/** @import {Activity} from '../types.js' */

const KEPT = 200;

/** What has to be fetched anew after a record of that type. @type {[RegExp, (workspaceId: number) => Promise<void>][]} */
const STALE = [
  [/^channel_/, reloadChannels],
  [/^(member_|ownership_)/, reloadMembers],
  [/^(workspace_|member_role|ownership_)/, () => refreshWorkspaces()],
];

/** @param {Activity} record */
export function receiveActivity(record) {
  const { workspace_id, type } = record;
  const feed = state.activity[workspace_id] ?? [];
  if (!feed.some(({ id }) => id === record.id)) {
    update({ activity: { ...state.activity, [workspace_id]: [record, ...feed].slice(0, KEPT) } });
  }
  if (type === 'message_sent') countUnread(record);
  STALE.forEach(([pattern, load], index) => {
    if (pattern.test(type)) background(together(`${workspace_id} ${index}`, () => load(workspace_id))());
  });
}

/**
 * The newest records, or those before the oldest that is shown.
 * @param {number} workspace_id
 * @param {{older?: boolean}} options
 * @returns {Promise<boolean>} whether there are more
 */
export async function loadActivity(workspace_id, { older = false } = {}) {
  const shown = state.activity[workspace_id] ?? [];
  const before_id = older ? shown[shown.length - 1]?.id : undefined;
  /** @type {{data: Activity[], has_more: boolean}} */
  const page = await api.post('activities', { workspace_id, limit: 40, before_id });
  const known = new Map((state.activity[workspace_id] ?? []).map((record) => [record.id, record]));
  for (const record of page.data) known.set(record.id, record);
  const feed = [...known.values()].sort((a, b) => b.seq - a.seq);
  update({ activity: { ...state.activity, [workspace_id]: feed } });
  return page.has_more;
}

/** The feed cannot be continued: begin anew, if somebody has looked at it. @param {number} workspaceId */
export async function reloadActivity(workspaceId) {
  if (!state.activity[workspaceId]) return;
  update({ activity: { ...state.activity, [workspaceId]: [] } });
  await loadActivity(workspaceId);
}
