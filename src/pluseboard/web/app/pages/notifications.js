/** One's notifications: what is read here is read everywhere. */
import { html, useEffect, useState } from '../html.js';
import { canShow, isShowing, loadNotices, placeOf, readAllNotices, readNotice, setShowing } from '../model/notices.js';
import { Avatar, Empty, Failure, useAction } from '../parts/basics.js';
import { Page } from '../parts/page.js';
import { useStore } from '../store.js';
import { ago, fullTime } from '../time.js';

/** @import {Notice} from '../types.js' */

export const NotificationsPage = () => {
  const notices = useStore((state) => state.notices);
  const unread = useStore((state) => state.unreadNotices);
  const [more, setMore] = useState(false);
  const [only, setOnly] = useState(false);
  const { busy, error, run } = useAction();
  useEffect(() => void run(() => loadNotices().then(setMore)), []);
  const shown = only ? notices.filter((notice) => !notice.read_at) : notices;
  const actions = html`<button class="quiet small" disabled=${busy || !unread} onClick=${() => run(readAllNotices)}>Mark all as read</button>`;
  return html`<${Page} title="Notifications" under=${unread ? `${unread} unread` : 'All read'} actions=${actions}>
    <div class="row spread">
      <div class="tabs" role="group" aria-label="Which">
        <button aria-pressed=${String(!only)} onClick=${() => setOnly(false)}>All</button>
        <button aria-pressed=${String(only)} onClick=${() => setOnly(true)}>Unread</button>
      </div>
      ${canShow() && html`<${BrowserSwitch} />`}
    </div>
    ${error && html`<${Failure} message=${error} />`}
    ${
      shown.length
        ? html`<ul class="notices">${shown.map((notice) => html`<${Line} key=${notice.id} notice=${notice} />`)}</ul>`
        : html`<${Empty} icon="bell" title=${only ? 'Nothing is unread' : 'Nothing yet'}><p class="soft">When somebody mentions you or adds you somewhere, it is here.</p><//>`
    }
    ${more && html`<button class="quiet" disabled=${busy} onClick=${() => run(() => loadNotices({ older: true }).then(setMore))}>Show older</button>`}
  <//>`;
};

/** @param {{notice: Notice}} props */
const Line = ({ notice }) => {
  const { run } = useAction();
  const members = useStore((state) => state.members[notice.workspace_id]) ?? [];
  const workspace = useStore((state) => state.workspaces.find(({ id }) => id === notice.workspace_id)?.name);
  const name = members.find(({ email }) => email === notice.actor_email)?.full_name ?? notice.actor_email;
  const read = () => !notice.read_at && run(() => readNotice(notice.id));
  return html`<li class=${notice.read_at ? '' : 'unread'}>
    <${Avatar} name=${name} id=${notice.actor_email} />
    <a href=${placeOf(notice)} onClick=${read}><bdi>${notice.message}</bdi><small><bdi>${workspace}</bdi> · <time datetime=${`${notice.created_at}Z`} title=${fullTime(notice.created_at)}>${ago(notice.created_at)}</time></small></a>
    ${!notice.read_at && html`<button class="quiet small" onClick=${read}>Mark as read</button>`}
  </li>`;
};

const BrowserSwitch = () => {
  const [on, setOn] = useState(isShowing());
  return html`<label class="switch"><input type="checkbox" role="switch" checked=${on} onChange=${(/** @type {any} */ event) => setShowing(event.currentTarget.checked).then(setOn)} /><span>Show them on this computer</span></label>`;
};
