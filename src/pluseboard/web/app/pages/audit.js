/** Who did what in a workspace, and from where: for its owner. */
import { api } from '../api/http.js';
import { html, useEffect, useState } from '../html.js';
import { Avatar, Empty, Failure, Loading, useAction } from '../parts/basics.js';
import { Page } from '../parts/page.js';
import { state, useStore } from '../store.js';
import { dateOf, fullTime, timeOf } from '../time.js';

/** @import {AuditRecord} from '../types.js' */

/** What can be chosen: in words, and as the API calls it. @type {Record<string, string>} */
const ACTIONS = {
  workspace: 'workspace_renamed',
  ownership: 'ownership_transferred',
  'members who came': 'member_joined',
  'members who were added': 'member_added',
  'members who were removed': 'member_removed',
  'members who left': 'member_left',
  roles: 'member_role_changed',
  invitations: 'invitation_sent',
  'invite links': 'invite_link_created',
  'channels made': 'channel_created',
  'channels archived': 'channel_archived',
  'deleted messages': 'message_deleted',
};

/** @param {{w: number}} props */
export const AuditPage = ({ w }) => {
  const role = useStore((state) => state.workspaces.find(({ id }) => id === w)?.role);
  const [action, setAction] = useState('');
  const [records, setRecords] = useState(/** @type {AuditRecord[] | null} */ (null));
  const [more, setMore] = useState(false);
  const { busy, error, run } = useAction();
  const load = (/** @type {AuditRecord[]} */ shown) =>
    run(async () => {
      const before_id = shown[shown.length - 1]?.id;
      const page = await api.get(`workspaces/${w}/audit`, { action: action || undefined, before_id });
      setRecords([...shown, ...page.data]);
      setMore(page.has_more);
    });
  useEffect(() => {
    setRecords(null);
    if (role === 'owner') load([]);
  }, [w, action, role]);
  if (role !== 'owner') {
    return html`<${Page} title="Audit log"><${Empty} icon="lock" title="This is for the owner"><p class="soft">The owner of a workspace reads who did what in it.</p><//><//>`;
  }
  return html`<${Page} title="Audit log" under="Who did what, when and from where">
    <div class="row spread">
      <select aria-label="What" onChange=${(/** @type {any} */ event) => setAction(event.currentTarget.value)}>
        <option value="">Everything</option>
        ${Object.entries(ACTIONS).map(([words, value]) => html`<option key=${value} value=${value}>${words}</option>`)}
      </select>
    </div>
    ${error && html`<${Failure} message=${error} onRetry=${() => load(records ?? [])} />`}
    ${!records && !error && html`<${Loading} />`}
    ${records?.length === 0 && html`<${Empty} icon="info" title="Nothing of that"><p class="soft">What happens from now on will be here.</p><//>`}
    ${records?.length && html`<ul class="rows card flush">${records.map((record) => html`<${Line} key=${record.id} record=${record} />`)}</ul>`}
    ${more && html`<button class="quiet" disabled=${busy} onClick=${() => load(records ?? [])}>Show older</button>`}
  <//>`;
};

/** A detail as people call it: a channel by its name, where one sees it. @param {[string, string | number]} detail */
function words([key, value]) {
  const channel = key === 'channel_id' && state.channels[Number(value)];
  return channel ? `in #${channel.name}` : `${key.replaceAll('_', ' ')} ${value}`;
}

/** @param {{record: AuditRecord}} props */
const Line = ({ record }) => {
  const { actor_email, action, details, ip, user_agent, created_at } = record;
  const name = useStore(
    (state) => state.members[record.workspace_id ?? 0]?.find(({ email }) => email === actor_email)?.full_name,
  );
  return html`<li><${Avatar} name=${name ?? actor_email} id=${actor_email} />
    <span class="person"><span><bdi>${name ?? actor_email}</bdi>: ${action.replaceAll('_', ' ')}</span>
      <small dir="auto">${Object.entries(details).map(words).join(' · ')}</small>
      <small><time datetime=${`${created_at}Z`} title=${fullTime(created_at)}>${dateOf(created_at)}, ${timeOf(created_at)}</time> · <span title=${user_agent}>${ip}</span></small></span>
  </li>`;
};
