/** Who is in a workspace, as what; for admins: adding, changing, removing. */
import { api } from '../api/http.js';
import { html, useState } from '../html.js';
import { refreshWorkspaces, reloadMembers } from '../model/workspaces.js';
import { Avatar, Field, Form, PresenceDot } from '../parts/basics.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { Page } from '../parts/page.js';
import { toast, useStore } from '../store.js';
import { dateOf } from '../time.js';

/** @import {Member, Role} from '../types.js' */

/** @type {Record<Role, number>} */
const RANK = { owner: 3, admin: 2, member: 1, guest: 0 };
/** @type {Role[]} */
const GIVEN = ['admin', 'member', 'guest'];

/** @param {{w: number}} props */
export const MembersPage = ({ w }) => {
  const members = useStore((state) => state.members[w]) ?? [];
  const role = useStore((state) => state.workspaces.find(({ id }) => id === w)?.role) ?? 'guest';
  const [word, setWord] = useState('');
  const [adding, setAdding] = useState(false);
  const isAdmin = RANK[role] >= RANK.admin;
  const fits = members
    .filter((member) =>
      `${member.full_name} ${member.username} ${member.email}`.toLowerCase().includes(word.toLowerCase()),
    )
    .sort((a, b) => a.full_name.localeCompare(b.full_name));
  const add =
    isAdmin &&
    html`<button class="primary small" onClick=${() => setAdding(true)}><${Icon} name="plus" size=${17} />Add people</button>`;
  return html`<${Page} title="Members" under=${`${members.length} ${members.length === 1 ? 'person' : 'people'}`} actions=${add}>
    <input class="find" type="search" aria-label="Find somebody" placeholder="Find somebody" autocomplete="off" onInput=${(/** @type {any} */ event) => setWord(event.currentTarget.value)} />
    <ul class="rows card flush">${fits.map((member) => html`<${Line} key=${member.user_id} w=${w} member=${member} role=${role} />`)}</ul>
    ${!fits.length && html`<p class="soft">Nobody of that name.</p>`}
    ${adding && html`<${AddMember} w=${w} onClose=${() => setAdding(false)} />`}
  <//>`;
};

/** @param {{w: number, member: Member, role: Role}} props */
const Line = ({ w, member, role }) => {
  const me = useStore((state) => state.me?.id);
  const [removing, setRemoving] = useState(false);
  const below = RANK[role] >= RANK.admin && RANK[member.role] < RANK[role] && member.user_id !== me;
  const change = async (/** @type {any} */ event) => {
    const wanted = event.currentTarget.value;
    try {
      await api.patch(`workspaces/${w}/members/${member.user_id}`, { role: wanted });
      toast(`${member.full_name} is now ${wanted}`);
    } catch (error) {
      toast(/** @type {Error} */ (error).message, 'error');
    }
    await reloadMembers(w);
  };
  return html`<li><${Avatar} name=${member.full_name} id=${member.email} />
    <span class="person"><span><bdi>${member.full_name}</bdi> <${PresenceDot} userId=${member.user_id} /></span><small>@${member.username} · ${member.email}<span class="only-wide"> · since ${dateOf(member.joined_at)}</span></small></span>
    ${
      below
        ? html`<select aria-label=${`Role of ${member.full_name}`} value=${member.role} onChange=${change}>${GIVEN.map((each) => html`<option key=${each} value=${each} selected=${each === member.role}>${each}</option>`)}</select>
          <button class="icon-button" aria-label=${`Remove ${member.full_name}`} title="Remove" onClick=${() => setRemoving(true)}><${Icon} name="close" size=${17} /></button>`
        : html`<span class=${`tag ${member.role}`}>${member.role}</span>`
    }
    ${
      removing &&
      html`<${Confirm} title=${`Remove ${member.full_name}?`} yes="Remove" onClose=${() => setRemoving(false)}
      onYes=${() => api.delete(`workspaces/${w}/members/${member.user_id}`).then(() => reloadMembers(w))}>
      <p>They lose this workspace and all of its channels at once. What they wrote stays.</p><//>`
    }
  </li>`;
};

/** @param {{w: number, onClose: () => void}} props */
const AddMember = ({ w, onClose }) => {
  const add = async (/** @type {Record<string, string>} */ fields) => {
    const { message } = await api.post(`workspaces/${w}/members`, fields);
    await Promise.all([reloadMembers(w), refreshWorkspaces()]);
    toast(message);
    onClose();
  };
  return html`<${Dialog} title="Add people" onClose=${onClose}>
    <${Form} onSubmit=${add} submit="Add">
      <${Field} label="Email" name="email" type="email" required autofocus autocomplete="off" hint="Whoever is registered is in at once; others get an invitation by mail." />
      <${Field} label="Role" as="select" name="role"><option value="member">member</option><option value="admin">admin</option><option value="guest">guest: sees only the channels that they are added to</option><//>
    <//>
    <p class="alternative">For many people, <a href=${`/w/${w}/invitations`} onClick=${onClose}>make a link</a>.</p>
  <//>`;
};
