/** All channels that one sees: to look into, to join, to find an archived one. */
import { api } from '../api/http.js';
import { html, useState } from '../html.js';
import { reloadChannels } from '../model/workspaces.js';
import { Empty } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import { NewChannel } from '../parts/new_channel.js';
import { Page } from '../parts/page.js';
import { toast, useStore } from '../store.js';

/** @import {Channel} from '../types.js' */

/** @param {{w: number}} props */
export const BrowsePage = ({ w }) => {
  const channels = useStore((state) => state.channels);
  const role = useStore((state) => state.workspaces.find(({ id }) => id === w)?.role);
  const [word, setWord] = useState('');
  const [making, setMaking] = useState(false);
  const fits = Object.values(channels)
    .filter(
      (channel) =>
        channel.workspace_id === w && `${channel.name} ${channel.topic}`.toLowerCase().includes(word.toLowerCase()),
    )
    .sort((a, b) => a.is_archived - b.is_archived || a.name.localeCompare(b.name));
  const make =
    role !== 'guest' &&
    html`<button class="primary small" onClick=${() => setMaking(true)}><${Icon} name="plus" size=${17} />New channel</button>`;
  return html`<${Page} title="Channels" actions=${make}>
    <input class="find" type="search" aria-label="Find a channel" placeholder="Find a channel" autocomplete="off" onInput=${(/** @type {any} */ event) => setWord(event.currentTarget.value)} />
    ${
      fits.length
        ? html`<ul class="rows card flush">${fits.map((channel) => html`<${Line} key=${channel.id} channel=${channel} />`)}</ul>`
        : html`<${Empty} icon="hash" title=${word ? 'No channel of that name' : 'No channel yet'}>
          <p class="soft">${word ? 'A private one shows itself to its members only.' : 'A channel is a place for one thing: a project, a team, a lunch.'}</p>${make}<//>`
    }
    ${making && html`<${NewChannel} workspaceId=${w} onClose=${() => setMaking(false)} />`}
  <//>`;
};

/** @param {{channel: Channel}} props */
const Line = ({ channel }) => {
  const { id, workspace_id, name, topic, is_private, is_archived, is_member } = channel;
  const act = async (/** @type {string} */ what) => {
    try {
      await api.post(`channels/${id}/${what}`);
      await reloadChannels(workspace_id);
    } catch (error) {
      toast(/** @type {Error} */ (error).message, 'error');
    }
  };
  return html`<li>
    <span class="badge-icon small"><${Icon} name=${is_archived ? 'archive' : is_private ? 'lock' : 'hash'} size=${18} /></span>
    <a class="person" href=${`/w/${workspace_id}/c/${id}`}><bdi>${name}</bdi><small><bdi>${topic || (is_private ? 'Private' : 'Open to every member')}</bdi></small></a>
    ${is_archived ? html`<span class="tag">archived</span>` : is_member ? html`<span class="tag">joined</span>` : html`<button class="quiet small" aria-label=${`Join ${name}`} onClick=${() => act('join')}>Join</button>`}
  </li>`;
};
