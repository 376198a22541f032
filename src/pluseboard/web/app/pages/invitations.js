/** Open invitations by mail, and links to share. */
import { api } from '../api/http.js';
import { html, useState } from '../html.js';
import { Failure, Field, Form, Loading, useAction, useFetched } from '../parts/basics.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { Page, Section } from '../parts/page.js';
import { toast } from '../store.js';
import { dateOf } from '../time.js';

/** @import {Invitation, InviteLink} from '../types.js' */

/** @param {{w: number}} props */
export const InvitationsPage = ({ w }) => html`<${Page} title="Invitations" under="Who may come in">
  <${Links} w=${w} /><${Mails} w=${w} />
<//>`;

/** @param {{w: number}} props */
const Links = ({ w }) => {
  const path = `workspaces/${w}/invite-links`;
  const { data, error, reload } = useFetched(() => api.get(path).then((answer) => answer.data), w);
  const { busy, error: refused, run } = useAction();
  const [making, setMaking] = useState(false);
  return html`<${Section} title="Links" under="Whoever has one can join, until it runs out or is used up.">
    ${error && html`<${Failure} message=${error} onRetry=${reload} />`}
    ${!data && !error && html`<${Loading} />`}
    <ul class="rows">${data?.map(
      (
        /** @type {InviteLink} */ each,
      ) => html`<li key=${each.id}><span class="badge-icon small"><${Icon} name="link" size=${18} /></span>
        <span class="person"><span>As ${each.role}, used ${each.uses} of ${each.max_uses} times</span><small>by ${each.created_by}, until ${dateOf(each.expires_at)}</small></span>
        <button class="quiet small" disabled=${busy} onClick=${() => run(() => api.delete(`${path}/${each.id}`).then(reload))}>End</button></li>`,
    )}</ul>
    ${data && !data.length && html`<p class="soft">No link works at the moment.</p>`}
    ${refused && html`<p class="error" role="alert">${refused}</p>`}
    <button class="primary" onClick=${() => setMaking(true)}>New link</button>
    ${making && html`<${NewLink} path=${path} onMade=${reload} onClose=${() => setMaking(false)} />`}
  <//>`;
};

/** @param {{path: string, onMade: () => void, onClose: () => void}} props */
const NewLink = ({ path, onMade, onClose }) => {
  const [url, setUrl] = useState('');
  const make = async (/** @type {Record<string, string>} */ { role, max_uses, days }) => {
    const made = await api.post(path, { role, max_uses: Number(max_uses), expires_in_hours: Number(days) * 24 });
    setUrl(made.url);
    onMade();
  };
  const copy = () => navigator.clipboard.writeText(url).then(() => toast('Link copied'));
  if (url) {
    return html`<${Dialog} title="Your link" onClose=${onClose}>
      <p class="soft">Copy it now: it is shown this once.</p>
      <div class="copy"><input readonly value=${url} aria-label="Link" onFocus=${(/** @type {any} */ event) => event.currentTarget.select()} autofocus /><button class="primary" onClick=${copy}>Copy</button></div>
    <//>`;
  }
  return html`<${Dialog} title="New link" onClose=${onClose}>
    <${Form} onSubmit=${make} submit="Make the link">
      <${Field} label="Role" as="select" name="role"><option value="member">member</option><option value="guest">guest</option><//>
      <${Field} label="How often it can be used" name="max_uses" type="number" min="1" max="10000" value="100" required />
      <${Field} label="For how many days" name="days" type="number" min="1" max="365" value="7" required />
    <//>
  <//>`;
};

/** @param {{w: number}} props */
const Mails = ({ w }) => {
  const path = `workspaces/${w}/invitations`;
  const { data, error, reload } = useFetched(() => api.get(path).then((answer) => answer.data), w);
  const { busy, error: refused, run } = useAction();
  const invite = (/** @type {Record<string, string>} */ fields) =>
    api.post(`workspaces/${w}/members`, fields).then(({ message }) => {
      toast(message);
      return reload();
    });
  return html`<${Section} title="By mail" under="Each is for one address, and waits for 30 days until its owner registers and signs in.">
    ${error && html`<${Failure} message=${error} onRetry=${reload} />`}
    ${!data && !error && html`<${Loading} />`}
    <ul class="rows">${data?.map(
      (
        /** @type {Invitation} */ each,
      ) => html`<li key=${each.id}><span class="badge-icon small"><${Icon} name="mail" size=${18} /></span>
        <span class="person"><bdi>${each.email}</bdi><small>as ${each.role}, by ${each.invited_by}, until ${dateOf(each.expires_at)}</small></span>
        <button class="quiet small" disabled=${busy} onClick=${() => run(() => api.delete(`${path}/${each.id}`).then(reload))}>Take back</button></li>`,
    )}</ul>
    ${refused && html`<p class="error" role="alert">${refused}</p>`}
    <${Form} class="inline" onSubmit=${invite} submit="Invite">
      <${Field} label="Email" name="email" type="email" required autocomplete="off" />
      <${Field} label="Role" as="select" name="role"><option value="member">member</option><option value="admin">admin</option><option value="guest">guest</option><//>
    <//>
  <//>`;
};
