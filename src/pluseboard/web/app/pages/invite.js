/** Where an invitation link leads. */
import { api } from '../api/http.js';
import { html } from '../html.js';
import { rememberWanted } from '../model/session.js';
import { refreshWorkspaces } from '../model/workspaces.js';
import { Failure, Loading, useAction, useFetched } from '../parts/basics.js';
import { Outside } from '../parts/outside.js';
import { navigate } from '../router.js';
import { useStore } from '../store.js';
import { dateOf } from '../time.js';

/** @param {{token: string}} props */
export const InvitePage = ({ token }) => {
  const me = useStore((state) => state.me);
  if (me) return html`<${Preview} token=${token} />`;
  rememberWanted();
  return html`<${Outside} title="You are invited">
    <p class="soft">Somebody would like to have you in their workspace. Sign in to see which one it is, and to join.</p>
    <div class="buttons"><a class="button primary" href="/sign-in">Sign in</a><a class="button quiet" href="/register">Register</a></div>
  <//>`;
};

/** @param {{token: string}} props */
const Preview = ({ token }) => {
  const path = `invite-links/${encodeURIComponent(token)}`;
  const { data, error } = useFetched(() => api.get(path).then((answer) => answer.data), token);
  const { busy, error: refused, run } = useAction();
  const accept = async () => {
    const { workspace_id } = await api.post(`${path}/accept`);
    await refreshWorkspaces();
    navigate(`/w/${workspace_id}`, { replace: true });
  };
  if (error) {
    return html`<${Outside} title="This invitation does not work">
      <${Failure} message=${`${error}. It may have run out, or been used up: ask for a new one.`} />
      <p><a class="button quiet" href="/">Go to your workspaces</a></p>
    <//>`;
  }
  if (!data) return html`<${Outside} title="You are invited"><${Loading} what="Looking at the invitation" /><//>`;
  return html`<${Outside} title="You are invited">
    <p class="soft">You can join this workspace as a ${data.role}. The invitation is good until ${dateOf(data.expires_at)}.</p>
    <p class="invited-to"><bdi>${data.workspace_name}</bdi></p>
    ${refused && html`<p class="error" role="alert">${refused}</p>`}
    <div class="buttons"><button class="primary" disabled=${busy} onClick=${() => run(accept)}>Join</button><a class="button quiet" href="/">Not now</a></div>
  <//>`;
};
