/** The way in: to the last workspace, or to the first one. */
import { html, useEffect } from '../html.js';
import { createWorkspace } from '../model/workspaces.js';
import { Field, Form } from '../parts/basics.js';
import { lastWorkspace } from '../parts/layout.js';
import { Outside } from '../parts/outside.js';
import { navigate } from '../router.js';
import { state, useStore } from '../store.js';

const LAST_CHANNEL = 'pluseboard.channel.';

export const HomePage = () => {
  const workspaces = useStore((state) => state.workspaces);
  const wanted = workspaces.find(({ id }) => id === lastWorkspace()) ?? workspaces[0];
  useEffect(() => {
    if (wanted) navigate(`/w/${wanted.id}`, { replace: true });
  }, [wanted]);
  return wanted ? null : html`<${NewWorkspacePage} />`;
};

export const NewWorkspacePage = () => {
  const first = useStore((state) => !state.workspaces.length);
  const me = useStore((state) => state.me);
  const create = async (/** @type {Record<string, string>} */ { name, description }) =>
    navigate(`/w/${await createWorkspace(name, description)}`, { replace: true });
  return html`<${Outside} title=${first ? `Welcome, ${me?.full_name.split(' ')[0]}` : 'New workspace'}>
    <p class="soft">${first ? 'You are in no workspace yet. Make one for your team, or open the link of an invitation.' : 'A place for another team, with channels of its own.'}</p>
    <${Form} onSubmit=${create} submit="Make the workspace">
      <${Field} label="Name" name="name" required maxlength="100" autofocus autocomplete="organization" placeholder="Engineering Team" />
      <${Field} label="Description" as="textarea" rows="2" name="description" maxlength="1000" hint="You can leave it empty." />
    <//>
    ${!first && html`<p class="alternative"><a href="/">Back</a></p>`}
  <//>`;
};

/** The channel where one was last, or the most general one. @param {{w: number}} props */
export const WorkspacePage = ({ w }) => {
  const channels = Object.values(useStore((state) => state.channels)).filter(
    (channel) => channel.workspace_id === w && channel.is_member && !channel.is_archived,
  );
  const last = Number(localStorage.getItem(LAST_CHANNEL + w));
  const wanted =
    channels.find(({ id }) => id === last) ?? channels.find((channel) => channel.is_default) ?? channels[0];
  useEffect(() => {
    // Both are drawn again before this runs: look at the newest.
    if (location.pathname === `/w/${w}`)
      navigate(wanted && state.me ? `/w/${w}/c/${wanted.id}` : `/w/${w}/channels`, { replace: true });
  }, [wanted?.id]);
  return null;
};

/** @param {number} w @param {number} c */
export const rememberChannel = (w, c) => localStorage.setItem(LAST_CHANNEL + w, String(c));
