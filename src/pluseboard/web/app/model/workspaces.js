/** Workspaces, their channels and members: fetched at the start, and again when the feed tells that they have changed. */
import { api } from '../api/http.js';
import { state, update } from '../store.js';
import { followWorkspace } from './live.js';
import { together } from './together.js';

/** @import {Channel, Member, Workspace} from '../types.js' */

export async function loadEverything() {
  /** @type {{data: Workspace[]}} */
  const { data } = await api.get('workspaces');
  await Promise.all(data.map(loadWorkspace));
  update({ workspaces: data });
}

/** @param {Workspace} workspace */
async function loadWorkspace({ id }) {
  followWorkspace(id);
  await Promise.all([reloadChannels(id), reloadMembers(id)]);
}

/** The list has changed: new workspaces are loaded before they are shown, and what one has left is forgotten. */
export const refreshWorkspaces = together('workspaces', async () => {
  /** @type {{data: Workspace[]}} */
  const { data } = await api.get('workspaces');
  const before = new Set(state.workspaces.map(({ id }) => id));
  await Promise.all(data.filter(({ id }) => !before.has(id)).map(loadWorkspace));
  const now = new Set(data.map(({ id }) => id));
  const channels = byId(Object.values(state.channels).filter((channel) => now.has(channel.workspace_id)));
  update({ workspaces: data, channels });
});

/** @param {number} workspaceId */
export async function reloadChannels(workspaceId) {
  /** @type {Channel[]} */
  const found = await orNone(api.get('channels', { workspace_id: workspaceId, include_archived: 1 }));
  const others = Object.values(state.channels).filter((channel) => channel.workspace_id !== workspaceId);
  update({ channels: byId([...others, ...found]) });
}

/** @param {number} workspaceId */
export async function reloadMembers(workspaceId) {
  /** @type {Member[]} */
  const members = await orNone(everyMember(`workspaces/${workspaceId}/members`));
  const presence = { ...state.presence };
  for (const { user_id, presence: status } of members) presence[user_id] = status;
  update({ members: { ...state.members, [workspaceId]: members }, presence });
}

/**
 * All pages of a list of members.
 * @param {string} path
 */
export async function everyMember(path) {
  const members = [];
  for (let page = await api.get(path, { limit: 200 }); ; ) {
    members.push(...page.data);
    if (!page.has_more) return { data: members };
    page = await api.get(path, { limit: 200, after_id: members[members.length - 1].user_id });
  }
}

/**
 * @param {string} name
 * @param {string} description
 * @returns {Promise<number>} its id
 */
export async function createWorkspace(name, description) {
  const { workspace_id } = await api.post('workspaces', { name, description });
  await api.post('channels', { workspace_id, name: 'general', topic: 'What everybody should know' });
  await refreshWorkspaces();
  return workspace_id;
}

/** @param {Channel[]} channels @returns {Record<number, Channel>} */
const byId = (channels) => Object.fromEntries(channels.map((channel) => [channel.id, channel]));

/** What one may no longer see is empty. @param {Promise<{data: any[]}>} answer */
async function orNone(answer) {
  try {
    return (await answer).data;
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) return [];
    throw error;
  }
}
