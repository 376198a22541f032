/** A workspace's name; leaving it, handing it over, its end. */
import { api } from '../api/http.js';
import { html, useState } from '../html.js';
import { refreshWorkspaces } from '../model/workspaces.js';
import { Field, Form } from '../parts/basics.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { Page, Section } from '../parts/page.js';
import { navigate } from '../router.js';
import { toast, useStore } from '../store.js';

/** @param {{w: number}} props */
export const SettingsPage = ({ w }) => {
  const workspace = useStore((state) => state.workspaces.find(({ id }) => id === w));
  const [asking, setAsking] = useState(/** @type {'' | 'leave' | 'transfer' | 'delete'} */ (''));
  if (!workspace) return null;
  const isOwner = workspace.role === 'owner';
  const isAdmin = isOwner || workspace.role === 'admin';
  const save = (/** @type {Record<string, string>} */ fields) =>
    api
      .patch(`workspaces/${w}`, fields)
      .then(refreshWorkspaces)
      .then(() => toast('Saved'));
  const close = () => setAsking('');
  const gone = async () => {
    navigate('/', { replace: true });
    await refreshWorkspaces();
  };
  return html`<${Page} title="Settings" under=${html`<bdi>${workspace.name}</bdi>`} actions=${isOwner && html`<a class="button quiet small" href=${`/w/${w}/audit`}>Audit log</a>`}>
    <${Section} title="About">
      ${
        isAdmin
          ? html`<${Form} onSubmit=${save} submit="Save">
            <${Field} label="Name" name="name" required maxlength="100" autocomplete="off" value=${workspace.name} />
            <${Field} label="Description" as="textarea" rows="3" name="description" maxlength="1000" value=${workspace.description} />
          <//>`
          : html`<p dir="auto">${workspace.description || 'Nobody has described this workspace.'}</p><p class="soft">You are a ${workspace.role} here. Admins can change this.</p>`
      }
    <//>
    ${!isOwner && html`<${Section} title="Leave" under="You lose its channels at once; what you wrote stays."><button class="danger" onClick=${() => setAsking('leave')}>Leave the workspace</button><//>`}
    ${
      isOwner &&
      html`<${Section} title="Hand it over" under="A workspace has one owner. You become an admin."><button class="quiet" onClick=${() => setAsking('transfer')}>Choose another owner</button><//>
      <${Section} title="Delete" under="Everything in it is gone for everybody, for good."><button class="danger" onClick=${() => setAsking('delete')}>Delete the workspace</button><//>`
    }
    ${asking === 'leave' && html`<${Confirm} title=${`Leave ${workspace.name}?`} yes="Leave" onYes=${() => api.post(`workspaces/${w}/leave`).then(gone)} onClose=${close}><p>To come back you need a new invitation.</p><//>`}
    ${asking === 'transfer' && html`<${Transfer} w=${w} onClose=${close} />`}
    ${asking === 'delete' && html`<${Delete} w=${w} name=${workspace.name} onDone=${gone} onClose=${close} />`}
  <//>`;
};

/** @param {{w: number, onClose: () => void}} props */
const Transfer = ({ w, onClose }) => {
  const me = useStore((state) => state.me?.id);
  const members = (useStore((state) => state.members[w]) ?? []).filter(
    ({ user_id, role }) => user_id !== me && role !== 'guest',
  );
  const hand = async (/** @type {Record<string, string>} */ { user_id }) => {
    await api.post(`workspaces/${w}/transfer`, { user_id: Number(user_id) });
    await refreshWorkspaces();
    toast('The workspace has another owner');
    onClose();
  };
  return html`<${Dialog} title="Choose another owner" onClose=${onClose}>
    ${
      members.length
        ? html`<${Form} onSubmit=${hand} submit="Hand it over" danger>
          <${Field} label="New owner" as="select" name="user_id">${members.map((each) => html`<option key=${each.user_id} value=${each.user_id}>${each.full_name} (@${each.username})</option>`)}<//>
        <//>`
        : html`<p class="soft">There is nobody else who could own it.</p>`
    }
  <//>`;
};

/** @param {{w: number, name: string, onDone: () => Promise<void>, onClose: () => void}} props */
const Delete = ({ w, name, onDone, onClose }) => {
  const remove = async (/** @type {Record<string, string>} */ { typed }) => {
    if (typed !== name) throw new Error('That is not its name.');
    await api.delete(`workspaces/${w}`);
    await onDone();
  };
  return html`<${Dialog} title=${`Delete ${name}?`} onClose=${onClose}>
    <p>All channels and messages go. To be sure, type the name of the workspace.</p>
    <${Form} onSubmit=${remove} submit="Delete for good" danger><${Field} label="Name" name="typed" required autocomplete="off" autofocus /><//>
  <//>`;
};
