/** The dialog that makes a channel. */
import { api } from '../api/http.js';
import { html } from '../html.js';
import { reloadChannels } from '../model/workspaces.js';
import { navigate } from '../router.js';
import { Field, Form } from './basics.js';
import { Dialog } from './dialog.js';

/** @param {{workspaceId: number, onClose: () => void}} props */
export const NewChannel = ({ workspaceId, onClose }) => {
  const create = async (/** @type {Record<string, string>} */ { name, topic, is_private }) => {
    const fields = { workspace_id: workspaceId, name, topic, is_private: Boolean(is_private) };
    const { channel_id } = await api.post('channels', fields);
    await reloadChannels(workspaceId);
    onClose();
    navigate(`/w/${workspaceId}/c/${channel_id}`);
  };
  return html`<${Dialog} title="New channel" onClose=${onClose}>
    <${Form} onSubmit=${create} submit="Make the channel">
      <${Field} label="Name" name="name" required maxlength="80" autofocus autocomplete="off" placeholder="launch" />
      <${Field} label="Topic" name="topic" maxlength="250" autocomplete="off" hint="What is it for? You can leave it empty." />
      <label class="check"><input type="checkbox" name="is_private" /><span>Private<small>Only those who are added see it. This cannot be changed later.</small></span></label>
    <//>
  <//>`;
};
