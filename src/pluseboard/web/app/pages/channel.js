/** A channel: its head, its messages, the composer, and beside them who is in it. */
import { api } from '../api/http.js';
import { html, useEffect, useMemo, useRef, useState } from '../html.js';
import { MessageLog } from '../model/log.js';
import { reloadChannels } from '../model/workspaces.js';
import { Empty, Failure, useAction } from '../parts/basics.js';
import { ChannelPanel } from '../parts/channel_panel.js';
import { Composer } from '../parts/composer.js';
import { Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { MessageList } from '../parts/message_list.js';
import { PageHead } from '../parts/page.js';
import { Typing } from '../parts/typing.js';
import { useStore } from '../store.js';
import { rememberChannel } from './home.js';

/** @import {Channel} from '../types.js' */

/** @param {{w: number, c: number, m?: number}} props */
export const ChannelPage = ({ w, c, m }) => {
  const channel = useStore((state) => state.channels[c]);
  const [panel, setPanel] = useState(false);
  const [editing, setEditing] = useState(/** @type {number | null} */ (null));
  const [, redraw] = useState(0);
  const list = useRef(/** @type {MessageList | null} */ (null));
  const log = useMemo(() => new MessageLog(c, () => redraw((n) => n + 1)), [c]);
  useEffect(() => {
    log.open(m ?? null);
    rememberChannel(w, c);
    return () => log.close();
  }, [log]);
  useEffect(() => {
    const look = () => m && log.toMessage(m);
    if (m && log.rows.length) look();
    addEventListener('same-route', look);
    return () => removeEventListener('same-route', look);
  }, [m]);

  if (log.gone) {
    return html`<div class="page"><${PageHead} title="Channel" /><div class="page-body"><${Empty} icon="lock" title="This channel is not here">
      <p class="soft">It does not exist, or it is not yours to see.</p><a class="button quiet" href=${`/w/${w}/channels`}>Browse channels</a><//></div></div>`;
  }
  const editLast = () => setEditing(list.current?.lastOwn() ?? null);
  return html`<div class=${`page channel-page ${panel ? 'with-panel' : ''}`}>
    <${Head} channel=${channel} log=${log} panel=${panel} onPanel=${() => setPanel(!panel)} />
    <div class="channel-body">
      <div class="conversation">
        ${log.error && html`<${Failure} message=${log.error} onRetry=${() => (log.rows.length ? log.toNewest() : log.open(m ?? null))} />`}
        <${MessageList} ref=${list} log=${log} channel=${channel} rows=${log.rows} loading=${log.loading} below=${log.below}
          editing=${editing} onEdit=${setEditing} />
        <${Typing} channelId=${c} workspaceId=${w} />
        ${channel && html`<${Foot} channel=${channel} log=${log} onEditLast=${editLast} />`}
      </div>
      ${panel && channel && html`<${ChannelPanel} channel=${channel} onClose=${() => setPanel(false)} />`}
    </div>
  </div>`;
};

/** @param {{channel: Channel | undefined, log: MessageLog, panel: boolean, onPanel: () => void}} props */
const Head = ({ channel, log, panel, onPanel }) => {
  const [asking, setAsking] = useState(false);
  const title = channel
    ? html`<${Icon} name=${channel.is_private ? 'lock' : 'hash'} size=${20} /><bdi>${channel.name}</bdi>`
    : '…';
  return html`<${PageHead} title=${title} under=${channel?.topic && html`<bdi>${channel.topic}</bdi>`}>
    <button class="icon-button" aria-label="Go to a date" title="Go to a date" onClick=${() => setAsking(true)}><${Icon} name="calendar" /></button>
    <button class="icon-button" aria-label="About this channel" title="About this channel" aria-expanded=${String(panel)} onClick=${onPanel}><${Icon} name="people" /></button>
    ${asking && html`<${GoToDate} log=${log} onClose=${() => setAsking(false)} />`}
  <//>`;
};

/** @param {{log: MessageLog, onClose: () => void}} props */
const GoToDate = ({ log, onClose }) => {
  const today = new Date();
  const local = (/** @type {Date} */ day) =>
    new Date(day.getTime() - day.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  const go = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const day = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('day');
    log.toDate(new Date(`${day}T00:00:00`));
    onClose();
  };
  const before = (/** @type {number} */ days) => {
    log.toDate(new Date(today.getFullYear(), today.getMonth(), today.getDate() - days));
    onClose();
  };
  return html`<${Dialog} title="Go to a date" onClose=${onClose}>
    <div class="chips">
      <button class="quiet" onClick=${() => before(1)}>Yesterday</button>
      <button class="quiet" onClick=${() => before(7)}>A week ago</button>
      <button class="quiet" onClick=${() => before(3650)}>The beginning</button>
    </div>
    <form class="inline" onSubmit=${go}>
      <label for="go-day">Or choose a day</label>
      <input id="go-day" type="date" name="day" required max=${local(today)} value=${local(today)} />
      <button class="primary">Go</button>
    </form>
  <//>`;
};

/** @param {{channel: Channel, log: MessageLog, onEditLast: () => void}} props */
const Foot = ({ channel, log, onEditLast }) => {
  const { busy, error, run } = useAction();
  const join = () =>
    run(() => api.post(`channels/${channel.id}/join`).then(() => reloadChannels(channel.workspace_id)));
  if (channel.is_archived)
    return html`<p class="foot-note"><${Icon} name="archive" size=${18} />This channel is archived: it can be read, not written.</p>`;
  return html`${
    !channel.is_member &&
    html`<div class="foot-note">You are looking at #${channel.name}.${' '}<button class="quiet small" disabled=${busy} onClick=${join}>Join</button>${error}</div>`
  }<${Composer} key=${channel.id} channel=${channel} onSent=${() => log.toNewest()} onEditLast=${onEditLast} />`;
};
