/** The frame of every page inside: the side bar (on a phone a drawer), the banner while disconnected, the page, the title. */
import { html, useEffect, useState } from '../html.js';
import { hurry } from '../model/live.js';
import { useStore } from '../store.js';
import { Sidebar } from './sidebar.js';

/** @typedef {import('../router.js').Route} Route */

const LAST = 'pluseboard.last';

/** @param {{route: Route, children?: any}} props */
export const Layout = ({ route, children }) => {
  const [open, setOpen] = useState(false);
  const workspaceId = useWorkspace(route.params.w);
  useTitle(route);
  useEffect(() => setOpen(false), [location.pathname]);
  useEffect(() => {
    const toggle = () => setOpen((is) => !is);
    addEventListener('toggle-sidebar', toggle);
    return () => removeEventListener('toggle-sidebar', toggle);
  }, []);
  const keys = (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && setOpen(false);
  return html`<a class="skip" href="#main">Skip to the page</a>
    <div class=${`frame ${open ? 'sidebar-open' : ''}`} onKeyDown=${keys}>
      <${Sidebar} workspaceId=${workspaceId} route=${route} />
      ${open && html`<button class="veil" aria-label="Close the navigation" onClick=${() => setOpen(false)}></button>`}
      <main id="main" tabindex="-1"><${Banner} />${children}</main>
    </div>`;
};

/** The workspace of the address, or else the last one. @param {number | undefined} asked */
function useWorkspace(asked) {
  const workspaces = useStore((state) => state.workspaces);
  useEffect(() => {
    if (asked) localStorage.setItem(LAST, String(asked));
  }, [asked]);
  const last = asked ?? Number(localStorage.getItem(LAST));
  return (workspaces.find(({ id }) => id === last) ?? workspaces[0])?.id;
}

export const lastWorkspace = () => Number(localStorage.getItem(LAST));

const Banner = () => {
  const offline = useStore((state) => state.connection === 'offline');
  if (!offline) return null;
  return html`<div class="banner" role="status">
    <span class="pulse" aria-hidden="true"></span>
    <span>You are disconnected. What you write is kept and sent on return.</span>
    <button class="quiet small" onClick=${hurry}>Try now</button>
  </div>`;
};

/** @type {Record<string, string>} */
const TITLES = {
  dashboard: 'Dashboard',
  browse: 'Channels',
  members: 'Members',
  invitations: 'Invitations',
  settings: 'Settings',
  audit: 'Audit log',
  'channel-settings': 'Channel settings',
  notifications: 'Notifications',
  account: 'Account',
};

/** "(3) #general · Engineering Team": how much waits, where one is. @param {Route} route */
function useTitle({ name, params }) {
  const title = useStore((state) => {
    const workspace = state.workspaces.find(({ id }) => id === params.w)?.name;
    const channel = name === 'channel' && state.channels[params.c];
    const waiting = state.unreadNotices ? `(${state.unreadNotices}) ` : '';
    const here = channel ? `#${channel.name}` : TITLES[name];
    return waiting + [here, workspace ?? 'pluseboard'].filter(Boolean).join(' · ');
  });
  useEffect(() => {
    document.title = title;
  }, [title]);
}
