/** Oneself: the name, the colours, and the devices on which one is signed in. */
import { api } from '../api/http.js';
import { html, useState } from '../html.js';
import { rename, signOut } from '../model/session.js';
import { Failure, Field, Form, Loading, useAction, useFetched } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import { Page, Section } from '../parts/page.js';
import { toast, useStore } from '../store.js';
import { setTheme, theme } from '../theme.js';
import { dateOf, fullTime } from '../time.js';

/** @import {Session} from '../types.js' */

export const AccountPage = () => {
  const me = useStore((state) => state.me);
  if (!me) return null;
  const save = (/** @type {Record<string, string>} */ { full_name }) => rename(full_name).then(() => toast('Saved'));
  return html`<${Page} title="Account" under=${html`<bdi>${me.email}</bdi>`} actions=${html`<button class="quiet small" onClick=${signOut}>Sign out</button>`}>
    <${Section} title="Profile">
      <${Form} onSubmit=${save} submit="Save">
        <${Field} label="Full name" name="full_name" required maxlength="100" autocomplete="name" value=${me.full_name} />
      <//>
      <p class="soft">You are <strong>@${me.username}</strong>, since ${dateOf(me.created_at)}.</p>
    <//>
    <${Section} title="Colours"><${Colours} /><//>
    <${Section} title="Sessions" under="Where you are signed in. What you end here is signed out at once."><${Sessions} /><//>
    <p class="soft">Everything here can be done by programs too: <a href="/api/docs">the API</a>.</p>
  <//>`;
};

const Colours = () => {
  const [look, setLook] = useState(theme());
  const choose = (/** @type {any} */ wanted) => {
    setTheme(wanted);
    setLook(wanted);
  };
  return html`<div class="tabs" role="group" aria-label="Colours">
    ${['system', 'light', 'dark'].map((each) => html`<button key=${each} aria-pressed=${String(look === each)} onClick=${() => choose(each)}>${each[0].toUpperCase() + each.slice(1)}</button>`)}
  </div>`;
};

/** "Firefox on Linux" is what people know their devices by. @param {string} agent */
function deviceName(agent) {
  const browser = [
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ].find(([mark]) => agent.includes(mark))?.[1];
  const system = [
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Windows', 'Windows'],
    ['Mac OS', 'macOS'],
    ['Linux', 'Linux'],
  ].find(([mark]) => agent.includes(mark))?.[1];
  if (browser) return system ? `${browser} on ${system}` : browser;
  return agent.slice(0, 60);
}

const Sessions = () => {
  const { data, error, reload } = useFetched(() => api.get('sessions').then((answer) => answer.data), 'sessions');
  const { busy, error: refused, run } = useAction();
  const end = (/** @type {number} */ id) => run(() => api.delete(`sessions/${id}`).then(reload));
  const endOthers = () =>
    run(() =>
      api
        .delete('sessions')
        .then(reload)
        .then(() => toast('All others are signed out')),
    );
  if (error) return html`<${Failure} message=${error} onRetry=${reload} />`;
  if (!data) return html`<${Loading} />`;
  return html`<ul class="rows">
      ${data.map(
        (
          /** @type {Session} */ each,
        ) => html`<li key=${each.id}><span class="badge-icon small"><${Icon} name="device" size=${18} /></span>
          <span class="person"><bdi title=${each.device}>${deviceName(each.device)}</bdi><small>${each.ip} · last used ${fullTime(each.last_used_at)}</small></span>
          ${each.is_current ? html`<span class="tag">this one</span>` : html`<button class="quiet small" disabled=${busy} onClick=${() => end(each.id)}>Sign out</button>`}</li>`,
      )}
    </ul>
    ${refused && html`<p class="error" role="alert">${refused}</p>`}
    ${data.length > 1 && html`<button class="quiet" disabled=${busy} onClick=${endOthers}>Sign out all others</button>`}`;
};
