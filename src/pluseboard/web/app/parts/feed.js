/** The activity of a workspace, the newest first, as it happens. */
import { html, useEffect, useState } from '../html.js';
import { loadActivity } from '../model/activity.js';
import { useStore } from '../store.js';
import { ago, fullTime } from '../time.js';
import { Avatar, Failure, Loading } from './basics.js';

/** @import {Activity} from '../types.js' */

/** Where a record leads. @param {Activity} record */
function placeOf({ type, workspace_id, channel_id, ref_id }) {
  if (type === 'message_sent') return `/w/${workspace_id}/c/${channel_id}/m/${ref_id}`;
  if (channel_id) return `/w/${workspace_id}/c/${channel_id}`;
  return /^member_|^ownership/.test(type) ? `/w/${workspace_id}/members` : null;
}

/** @param {{workspaceId: number}} props */
export const Feed = ({ workspaceId }) => {
  const records = useStore((state) => state.activity[workspaceId]);
  const members = useStore((state) => state.members[workspaceId]) ?? [];
  const [more, setMore] = useState(false);
  const [error, setError] = useState('');
  const [, tick] = useState(0);
  const load = (/** @type {boolean} */ older) =>
    loadActivity(workspaceId, { older }).then(
      (has) => {
        setError('');
        setMore(has);
      },
      (failed) => setError(failed.message),
    );
  useEffect(() => {
    load(false);
    const timer = setInterval(() => tick((n) => n + 1), 30_000);
    return () => clearInterval(timer);
  }, [workspaceId]);
  if (error && !records) return html`<${Failure} message=${error} onRetry=${() => load(false)} />`;
  if (!records) return html`<${Loading} />`;
  if (!records.length) return html`<p class="soft">Nothing has happened yet. Send a message and it will be here.</p>`;
  const nameOf = (/** @type {string} */ email) => members.find((member) => member.email === email)?.full_name ?? email;
  return html`<ol class="feed">
      ${records.map((record) => html`<${Line} key=${record.id} record=${record} name=${nameOf(record.actor_email)} />`)}
    </ol>
    ${more && html`<button class="quiet" onClick=${() => load(true)}>Show older</button>`}`;
};

/** @param {{record: Activity, name: string}} props */
const Line = ({ record, name }) => {
  const place = placeOf(record);
  return html`<li><${Avatar} name=${name} id=${record.actor_email} size="tiny" />
    ${place ? html`<a href=${place}><bdi>${record.summary}</bdi></a>` : html`<span><bdi>${record.summary}</bdi></span>`}
    <time datetime=${`${record.created_at}Z`} title=${fullTime(record.created_at)}>${ago(record.created_at)}</time></li>`;
};
