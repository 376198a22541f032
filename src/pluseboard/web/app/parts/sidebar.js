/** The side bar: the workspace, its pages, its channels with what waits in them, oneself. */
import { html, useState } from '../html.js';
import { signOut } from '../model/session.js';
import { useStore } from '../store.js';
import { setTheme, theme } from '../theme.js';
import { Avatar, Badge, PresenceDot } from './basics.js';
import { Menu } from './dialog.js';
import { Icon, Logo } from './icons.js';
import { NewChannel } from './new_channel.js';

/** @import {Channel} from '../types.js' */

/** @param {{workspaceId: number | undefined, route: import('../router.js').Route}} props */
export const Sidebar = ({ workspaceId, route }) => {
  const workspace = useStore((state) => state.workspaces.find(({ id }) => id === workspaceId));
  const unread = useStore((state) => state.unreadNotices);
  const [making, setMaking] = useState(false);
  const base = `/w/${workspaceId}`;
  const isAdmin = workspace && ['owner', 'admin'].includes(workspace.role);
  const link = (
    /** @type {string} */ name,
    /** @type {string} */ href,
    /** @type {any} */ icon,
    /** @type {string} */ label,
    /** @type {any} */ more = null,
  ) =>
    html`<li><a class="nav" href=${href} aria-current=${route.name === name ? 'page' : undefined}><${Icon} name=${icon} /><span>${label}</span>${more}</a></li>`;
  return html`<nav class="sidebar" aria-label="Workspace">
    <${Switcher} workspaceId=${workspaceId} />
    <div class="sidebar-scroll">
      <ul>
        ${link('notifications', '/notifications', 'bell', 'Notifications', html`<${Badge} count=${unread} mention label="unread notifications" />`)}
        ${workspace && link('dashboard', `${base}/dashboard`, 'pulse', 'Dashboard')}
        ${workspace && link('members', `${base}/members`, 'people', 'Members')}
        ${isAdmin && link('invitations', `${base}/invitations`, 'mail', 'Invitations')}
        ${workspace && link('settings', `${base}/settings`, 'settings', 'Settings')}
      </ul>
      ${workspace && html`<${Channels} workspace=${workspace} route=${route} onNew=${() => setMaking(true)} />`}
    </div>
    <${Myself} />
    ${making && workspace && html`<${NewChannel} workspaceId=${workspace.id} onClose=${() => setMaking(false)} />`}
  </nav>`;
};

/** @param {{workspaceId: number | undefined}} props */
const Switcher = ({ workspaceId }) => {
  const workspaces = useStore((state) => state.workspaces);
  const channels = useStore((state) => state.channels);
  const here = workspaces.find(({ id }) => id === workspaceId);
  const waiting = (/** @type {number} */ id) =>
    Object.values(channels).some(
      (channel) => channel.workspace_id === id && !channel.is_archived && channel.unread_count > 0,
    );
  const elsewhere = workspaces.some(({ id }) => id !== workspaceId && waiting(id));
  const button = html`<${Logo} size=${30} /><span class="switcher-name"><bdi>${here?.name ?? 'pluseboard'}</bdi></span>
    ${elsewhere && html`<span class="dot unread" title="unread in another workspace"></span>`}<${Icon} name="chevron" size=${16} />`;
  return html`<${Menu} class="switcher" label=${`Workspace: ${here?.name ?? 'none'}. Switch`} button=${button}>
    ${workspaces.map(
      ({
        id,
        name,
        role,
      }) => html`<a key=${id} href=${`/w/${id}`} aria-current=${id === workspaceId ? 'true' : undefined}>
        <span class="menu-label"><bdi>${name}</bdi><small>${role}</small></span>
        ${waiting(id) && html`<span class="dot unread"><span class="hidden">unread</span></span>`}
        ${id === workspaceId && html`<${Icon} name="check" size=${18} />`}
      </a>`,
    )}
    <hr /><a href="/new"><${Icon} name="plus" size=${18} />New workspace</a>
  <//>`;
};

/** @param {{workspace: import('../types.js').Workspace, route: import('../router.js').Route, onNew: () => void}} props */
const Channels = ({ workspace, route, onNew }) => {
  const all = useStore((state) => state.channels);
  const base = `/w/${workspace.id}`;
  const mine = Object.values(all)
    .filter((channel) => channel.workspace_id === workspace.id && !channel.is_archived)
    .filter((channel) => channel.is_member || channel.id === route.params.c)
    .sort((a, b) => a.name.localeCompare(b.name));
  return html`<section aria-labelledby="channels-title">
    <div class="section-head"><h2 id="channels-title">Channels</h2>
      <a class="icon-button small" href=${`${base}/channels`} aria-label="Browse channels" title="Browse channels"><${Icon} name="search" size=${16} /></a>
      ${workspace.role !== 'guest' && html`<button class="icon-button small" aria-label="New channel" title="New channel" onClick=${onNew}><${Icon} name="plus" size=${17} /></button>`}
    </div>
    <ul>${mine.map((channel) => html`<${ChannelLink} key=${channel.id} channel=${channel} here=${channel.id === route.params.c} />`)}</ul>
    ${!mine.length && html`<p class="soft nothing">No channel yet. <a href=${`${base}/channels`}>Browse</a></p>`}
  </section>`;
};

/** @param {{channel: Channel, here: boolean}} props */
const ChannelLink = ({ channel, here }) => {
  const { id, workspace_id, name, is_private, unread_count, mention_count } = channel;
  const kind = unread_count ? 'unread' : '';
  return html`<li><a class=${`nav ${kind}`} href=${`/w/${workspace_id}/c/${id}`} aria-current=${here ? 'page' : undefined}>
    <${Icon} name=${is_private ? 'lock' : 'hash'} size=${17} /><span><bdi>${name}</bdi></span>
    ${mention_count ? html`<${Badge} count=${mention_count} mention label="mentions" />` : html`<${Badge} count=${unread_count} label="unread" />`}
  </a></li>`;
};

const Myself = () => {
  const me = useStore((state) => state.me);
  const [look, setLook] = useState(theme());
  if (!me) return null;
  const isDark = look === 'dark' || (look === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  const next = isDark ? 'light' : 'dark';
  const toggle = () => {
    setTheme(next);
    setLook(next);
  };
  return html`<div class="myself">
    <a class="me" href="/account"><${Avatar} name=${me.full_name} id=${me.email} size="tiny" /><span class="me-name"><bdi>${me.full_name}</bdi></span><${PresenceDot} userId=${me.id} /></a>
    <button class="icon-button" aria-label=${isDark ? 'Light colours' : 'Dark colours'} title=${isDark ? 'Light colours' : 'Dark colours'} onClick=${toggle}><${Icon} name=${isDark ? 'sun' : 'moon'} size=${18} /></button>
    <button class="icon-button" aria-label="Sign out" title="Sign out" onClick=${signOut}><${Icon} name="out" size=${18} /></button>
  </div>`;
};
