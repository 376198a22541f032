/** What a channel is called and for, whether everybody is in it, and its end. */
import { api } from '../api/http.js';
import { html, useState } from '../html.js';
import { reloadChannels } from '../model/workspaces.js';
import { Empty, Field, Form, useAction } from '../parts/basics.js';
import { isAdminOf } from '../parts/channel_panel.js';
import { Confirm } from '../parts/dialog.js';
import { Page, Section } from '../parts/page.js';
import { toast, useStore } from '../store.js';

/** @param {{w: number, c: number}} props */
export const ChannelSettingsPage = ({ w, c }) => {
  const channel = useStore((state) => state.channels[c]);
  const [archiving, setArchiving] = useState(false);
  const { busy, error, run } = useAction();
  if (!channel)
    return html`<${Page} title="Channel settings"><${Empty} icon="lock" title="This channel is not here"><a class="button quiet" href=${`/w/${w}/channels`}>Browse channels</a><//><//>`;
  const reload = () => reloadChannels(w);
  const save = (/** @type {Record<string, string>} */ fields) =>
    api
      .patch(`channels/${c}`, fields)
      .then(reload)
      .then(() => toast('Saved'));
  const setDefault = (/** @type {any} */ event) => {
    const is_default = event.currentTarget.checked;
    run(() => api.patch(`channels/${c}`, { is_default }).then(reload));
  };
  const unarchive = () => run(() => api.post(`channels/${c}/unarchive`).then(reload));
  const back = html`<a class="button quiet small" href=${`/w/${w}/c/${c}`}>Back to the channel</a>`;
  return html`<${Page} title=${html`<bdi>#${channel.name}</bdi>`} under="Channel settings" actions=${back}>
    ${
      channel.is_archived
        ? html`<${Section} title="Archived" under="It can be read, not written, and its name is free for another.">
          ${error && html`<p class="error" role="alert">${error}</p>`}<button class="primary" disabled=${busy} onClick=${unarchive}>Bring it back</button><//>`
        : html`<${Section} title="About">
          <${Form} onSubmit=${save} submit="Save">
            <${Field} label="Name" name="name" required maxlength="80" autocomplete="off" value=${channel.name} />
            <${Field} label="Topic" name="topic" maxlength="250" autocomplete="off" value=${channel.topic} hint="The line under the name." />
            <${Field} label="Description" as="textarea" rows="3" name="description" maxlength="1000" value=${channel.description} />
          <//>
        <//>
        ${
          !channel.is_private &&
          isAdminOf(channel) &&
          html`<${Section} title="Default channel">
          <label class="switch"><input type="checkbox" role="switch" checked=${!!channel.is_default} disabled=${busy} onChange=${setDefault} /><span>Everybody but guests is in it, and whoever comes joins it</span></label>
          ${error && html`<p class="error" role="alert">${error}</p>`}<//>`
        }
        <${Section} title="Archive" under="Nobody can write any more. It can be brought back."><button class="danger" onClick=${() => setArchiving(true)}>Archive this channel</button><//>`
    }
    ${
      archiving &&
      html`<${Confirm} title=${`Archive #${channel.name}?`} yes="Archive" onYes=${() => api.post(`channels/${c}/archive`).then(reload)} onClose=${() => setArchiving(false)}>
      <p>It becomes read-only for everybody. Its messages stay.</p><//>`
    }
  <//>`;
};
