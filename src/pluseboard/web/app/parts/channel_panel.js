/** Beside a channel: what it is for, who is in it, adding people, leaving. */
import { api } from '../api/http.js';
import { html, useState } from '../html.js';
import { everyMember, reloadChannels } from '../model/workspaces.js';
import { navigate } from '../router.js';
import { state, toast, useStore } from '../store.js';
import { Avatar, Failure, Loading, PresenceDot, useFetched } from './basics.js';
import { Confirm, Dialog } from './dialog.js';
import { Icon } from './icons.js';

/** @import {Channel, ChannelMember} from '../types.js' */

/** Who may change a channel: admins, and whoever... made it; the server has the last word. @param {Channel} channel */
export const isAdminOf = (channel) =>
  ['owner', 'admin'].includes(state.workspaces.find(({ id }) => id === channel.workspace_id)?.role ?? '');

/** @param {{channel: Channel, onClose: () => void}} props */
export const ChannelPanel = ({ channel, onClose }) => {
  const role = useStore(({ workspaces }) => workspaces.find(({ id }) => id === channel.workspace_id)?.role);
  const workspaceMembers = useStore((state) => state.members[channel.workspace_id]);
  const { data, error, reload } = useFetched(
    () => everyMember(`channels/${channel.id}/members`),
    `${channel.id} ${workspaceMembers?.length} ${channel.is_member}`,
  );
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState(false);
  /** @type {ChannelMember[] | undefined} */
  const members = data?.data;
  const leave = async () => {
    await api.post(`channels/${channel.id}/leave`);
    await reloadChannels(channel.workspace_id);
    navigate(`/w/${channel.workspace_id}`);
  };
  return html`<aside class="panel" aria-label="About this channel">
    <header><h2>About</h2><button class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
    <div class="panel-scroll">
      <p class="soft" dir="auto">${channel.description || channel.topic || 'Nobody has described this channel yet.'}</p>
      <div class="buttons wrap">
        ${role !== 'guest' && !channel.is_archived && html`<button class="quiet small" onClick=${() => setAdding(true)}><${Icon} name="plus" size=${16} />Add people</button>`}
        <a class="button quiet small" href=${`/w/${channel.workspace_id}/c/${channel.id}/settings`}><${Icon} name="settings" size=${16} />Settings</a>
        ${channel.is_member === 1 && html`<button class="quiet small" onClick=${() => setLeaving(true)}><${Icon} name="out" size=${16} />Leave</button>`}
      </div>
      <h3>${members ? `${members.length} ${members.length === 1 ? 'member' : 'members'}` : 'Members'}</h3>
      ${error && html`<${Failure} message=${error} onRetry=${reload} />`}
      ${!members && !error && html`<${Loading} />`}
      <ul class="people">${members?.map((member) => html`<${Person} key=${member.user_id} member=${member} channel=${channel} onChange=${reload} />`)}</ul>
    </div>
    ${adding && html`<${AddPeople} channel=${channel} members=${members ?? []} onChange=${reload} onClose=${() => setAdding(false)} />`}
    ${
      leaving &&
      html`<${Confirm} title="Leave this channel?" yes="Leave" onYes=${leave} onClose=${() => setLeaving(false)}>
      <p>${channel.is_private ? 'It is private: to come back, somebody has to add you.' : 'You can join it again whenever you like.'}</p><//>`
    }
  </aside>`;
};

/** @param {{member: ChannelMember, channel: Channel, onChange: () => void}} props */
const Person = ({ member, channel, onChange }) => {
  const remove = async () => {
    try {
      await api.delete(`channels/${channel.id}/members/${member.user_id}`);
      onChange();
    } catch (error) {
      toast(/** @type {Error} */ (error).message, 'error');
    }
  };
  const mayRemove = isAdminOf(channel) && member.user_id !== state.me?.id && !channel.is_archived;
  return html`<li><${Avatar} name=${member.full_name} id=${member.email} size="tiny" />
    <span class="person"><bdi>${member.full_name}</bdi><small>@${member.username}</small></span>
    <${PresenceDot} userId=${member.user_id} />
    ${mayRemove && html`<button class="icon-button small" aria-label=${`Remove ${member.full_name}`} title="Remove" onClick=${remove}><${Icon} name="close" size=${15} /></button>`}</li>`;
};

/** @param {{channel: Channel, members: ChannelMember[], onChange: () => void, onClose: () => void}} props */
const AddPeople = ({ channel, members, onChange, onClose }) => {
  const all = useStore((state) => state.members[channel.workspace_id]) ?? [];
  const [word, setWord] = useState('');
  const inside = new Set(members.map(({ user_id }) => user_id));
  const fits = all.filter(
    ({ user_id, full_name, username }) =>
      !inside.has(user_id) && `${full_name} ${username}`.toLowerCase().includes(word.toLowerCase()),
  );
  const add = async (/** @type {number} */ user_id) => {
    try {
      await api.post(`channels/${channel.id}/members`, { user_id });
      onChange();
    } catch (error) {
      toast(/** @type {Error} */ (error).message, 'error');
    }
  };
  return html`<${Dialog} title="Add people" onClose=${onClose}>
    <div class="field"><label for="find-people">Find</label><input id="find-people" type="search" autofocus autocomplete="off" onInput=${(/** @type {any} */ event) => setWord(event.currentTarget.value)} /></div>
    <ul class="people scroll">${fits.map(
      (each) => html`<li key=${each.user_id}><${Avatar} name=${each.full_name} id=${each.email} size="tiny" />
        <span class="person"><bdi>${each.full_name}</bdi><small>@${each.username}</small></span>
        <button class="quiet small" aria-label=${`Add ${each.full_name}`} onClick=${() => add(each.user_id)}>Add</button></li>`,
    )}</ul>
    ${!fits.length && html`<p class="soft">${word ? 'Nobody of that name is left to add.' : 'Everybody of the workspace is in it.'}</p>`}
  <//>`;
};
