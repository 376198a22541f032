/** A message of one's own that is not acknowledged yet. */
import { html } from '../html.js';
import { discard, sendAgain } from '../model/outbox.js';
import { state } from '../store.js';
import { shown } from '../text.js';
import { Avatar } from './basics.js';
import { Icon } from './icons.js';

/** @param {{pending: import('../types.js').Pending}} props */
export const PendingRow = ({ pending }) => {
  const me = state.me;
  return html`<li class=${`message pending ${pending.error ? 'failed' : ''}`}>
    <div class="margin"><${Avatar} name=${me?.full_name ?? ''} id=${me?.email ?? ''} /></div>
    <div class="content">
      <p class="from"><strong><bdi>${me?.full_name}</bdi></strong> <small>${pending.error ? 'not sent' : 'sending…'}</small></p>
      <div class="text" dir="auto">${shown(pending.body, () => '')}</div>
      ${
        pending.error &&
        html`<p class="error" role="alert"><${Icon} name="warning" size=${16} /> ${pending.error}
        <button class="quiet small" onClick=${() => sendAgain(pending)}>Send again</button>
        <button class="quiet small" onClick=${() => discard(pending.id)}>Discard</button></p>`
      }
    </div>
  </li>`;
};
