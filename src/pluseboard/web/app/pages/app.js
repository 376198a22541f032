/** Which page an address shows, and to whom. */
import { html, useEffect } from '../html.js';
import { rememberWanted } from '../model/session.js';
import { Loading } from '../parts/basics.js';
import { Layout } from '../parts/layout.js';
import { Announcer, Toasts } from '../parts/toasts.js';
import { navigate, useRoute } from '../router.js';
import { useStore } from '../store.js';
import { AccountPage } from './account.js';
import { AuditPage } from './audit.js';
import { BrowsePage } from './browse.js';
import { ChannelPage } from './channel.js';
import { ChannelSettingsPage } from './channel_settings.js';
import { DashboardPage } from './dashboard.js';
import { HomePage, NewWorkspacePage, WorkspacePage } from './home.js';
import { InvitationsPage } from './invitations.js';
import { InvitePage } from './invite.js';
import { MembersPage } from './members.js';
import { MissingPage, UnreachablePage } from './missing.js';
import { NotificationsPage } from './notifications.js';
import { SettingsPage } from './settings.js';
import { RegisterPage, SignInPage } from './sign_in.js';

/** Pages with the side bar around them, for whoever is signed in. @type {Record<string, any>} */
const INSIDE = {
  workspace: WorkspacePage,
  dashboard: DashboardPage,
  browse: BrowsePage,
  members: MembersPage,
  invitations: InvitationsPage,
  settings: SettingsPage,
  audit: AuditPage,
  channel: ChannelPage,
  'channel-settings': ChannelSettingsPage,
  notifications: NotificationsPage,
  account: AccountPage,
};

/** Pages that stand alone. @type {Record<string, any>} */
const ALONE = { home: HomePage, 'new-workspace': NewWorkspacePage };

/** Pages for whoever is not signed in. @type {Record<string, any>} */
const OUTSIDE = { 'sign-in': SignInPage, register: RegisterPage };

/** @param {{broken?: boolean}} props */
export const App = ({ broken = false }) => {
  const ready = useStore((state) => state.ready);
  if (broken) return html`<${UnreachablePage} />`;
  if (!ready) return html`<div class="fill"><${Loading} what="Opening pluseboard" /></div>`;
  return html`<${View} /><${Toasts} /><${Announcer} />`;
};

const View = () => {
  const route = useRoute();
  const me = useStore((state) => state.me);
  const known = useStore((state) => !route.params.w || state.workspaces.some(({ id }) => id === route.params.w));
  const page = { ...INSIDE, ...ALONE }[route.name];
  if (route.name === 'missing') return html`<${MissingPage} />`;
  if (route.name === 'invite') return html`<${InvitePage} key=${route.token} token=${route.token} />`;
  if (!me) return OUTSIDE[route.name] ? html`<${OUTSIDE[route.name]} />` : html`<${ToSignIn} />`;
  if (OUTSIDE[route.name]) return html`<${Redirect} to="/" />`;
  if (!known) return html`<${MissingPage} />`;
  if (ALONE[route.name]) return html`<${page} />`;
  return html`<${Layout} route=${route}><${page} key=${keyOf(route)} ...${route.params} /><//>`;
};

/** A page is made anew for another workspace or channel, and kept for another message of the same channel. @param {import('../router.js').Route} route */
const keyOf = ({ name, params }) => `${name} ${params.w} ${params.c}`;

/** @param {{to: string}} props */
export const Redirect = ({ to }) => {
  useEffect(() => navigate(to, { replace: true }), []);
  return null;
};

const ToSignIn = () => {
  useEffect(() => {
    rememberWanted();
    navigate('/sign-in', { replace: true });
  }, []);
  return null;
};
