/** One message, and what can be done with it. */
import { api } from '../api/http.js';
import { Component, html, useLayoutEffect, useRef, useState } from '../html.js';
import { state, toast } from '../store.js';
import { shown } from '../text.js';
import { fullTime, timeOf } from '../time.js';
import { Avatar, useAction } from './basics.js';
import { Confirm } from './dialog.js';
import { Icon } from './icons.js';

/** @import {Member, Message} from '../types.js' */

/** @typedef {{row: Message, compact: boolean, editing: boolean, onEdit: (id: number | null) => void}} Props */

/** Hundreds of them are on a page: drawn again only when something about it has changed. @extends {Component<Props>} */
export class MessageRow extends Component {
  /** @param {Props} next */
  shouldComponentUpdate(next) {
    const { row, compact, editing } = this.props;
    return row !== next.row || compact !== next.compact || editing !== next.editing;
  }

  /** @param {Props} props */
  render(props) {
    return html`<${Row} ...${props} />`;
  }
}

/** Whom a name means in this channel. @param {number} channelId */
function namesOf(channelId) {
  const members = state.members[state.channels[channelId]?.workspace_id] ?? [];
  return (/** @type {string} */ name) => {
    if (name === 'channel' || name === 'here' || name === state.me?.username.toLowerCase()) return 'self';
    return members.some(({ username }) => username.toLowerCase() === name) ? 'other' : '';
  };
}

/** @param {Props} props */
const Row = ({ row, compact, editing, onEdit }) => {
  const [deleting, setDeleting] = useState(false);
  const { id, sender_name, sender_email, body, created_at, edited_at, deleted_at } = row;
  const mine = sender_email === state.me?.email;
  let forMe = false;
  const names = namesOf(row.channel_id);
  const content = shown(body, (name) => {
    const whom = names(name);
    if (whom === 'self' && !mine) forMe = true;
    return whom;
  });
  const time = html`<time datetime=${`${created_at}Z`} title=${fullTime(created_at)}>${timeOf(created_at)}</time>`;
  return html`<li class=${`message ${compact ? 'compact' : ''} ${forMe ? 'for-me' : ''}`} data-id=${id} tabindex="-1">
    <div class="margin">${compact ? time : html`<${Avatar} name=${sender_name} id=${sender_email} />`}</div>
    <div class="content">
      <p class=${compact ? 'hidden' : 'from'}><strong><bdi>${sender_name}</bdi></strong>${' '}${!compact && time}</p>
      ${
        editing
          ? html`<${Editor} row=${row} onDone=${() => onEdit(null)} />`
          : deleted_at
            ? html`<p class="deleted"><${Icon} name="trash" size=${15} />This message was deleted</p>`
            : html`<div class="text" dir="auto">${content}${edited_at && html` <small class="edited" title=${fullTime(edited_at)}>(edited)</small>`}</div>`
      }
    </div>
    ${!deleted_at && !editing && html`<${Tools} row=${row} mine=${mine} onEdit=${() => onEdit(id)} onDelete=${() => setDeleting(true)} />`}
    ${
      deleting &&
      html`<${Confirm} title="Delete this message?" yes="Delete" onYes=${() => api.delete(`messages/${id}`)} onClose=${() => setDeleting(false)}>
      <p>Its text is gone for everybody; that there was a message stays visible.</p><//>`
    }
  </li>`;
};

/** @param {{row: Message, mine: boolean, onEdit: () => void, onDelete: () => void}} props */
const Tools = ({ row, mine, onEdit, onDelete }) => {
  const channel = state.channels[row.channel_id];
  const role = state.workspaces.find(({ id }) => id === channel?.workspace_id)?.role ?? 'guest';
  const mayDelete = mine || role === 'owner' || role === 'admin';
  const copy = async () => {
    await navigator.clipboard.writeText(
      `${location.origin}/w/${channel?.workspace_id}/c/${row.channel_id}/m/${row.id}`,
    );
    toast('Link copied');
  };
  const button = (/** @type {any} */ icon, /** @type {string} */ label, /** @type {() => void} */ act) =>
    html`<button class="icon-button" aria-label=${label} title=${label} onClick=${act}><${Icon} name=${icon} size=${17} /></button>`;
  return html`<div class="tools" role="group" aria-label="Message">
    ${button('link', 'Copy link', copy)}
    ${mine && !channel?.is_archived && button('edit', 'Edit', onEdit)}
    ${mayDelete && !channel?.is_archived && button('trash', 'Delete', onDelete)}
  </div>`;
};

/** @param {{row: Message, onDone: () => void}} props */
const Editor = ({ row, onDone }) => {
  const { busy, error, run } = useAction();
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(row.body.length, row.body.length);
  }, []);
  const save = () => {
    const body = field.current?.value ?? '';
    if (!body.trim() || body === row.body) return onDone();
    run(() => api.patch(`messages/${row.id}`, { body }).then(onDone));
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Escape') onDone();
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save();
    }
  };
  return html`<div class="editor">
    <textarea ref=${field} aria-label="Edit the message" rows="2" onKeyDown=${keys}>${row.body}</textarea>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    <div class="buttons"><button class="quiet small" onClick=${onDone}>Cancel</button><button class="primary small" disabled=${busy} onClick=${save}>Save</button></div>
  </div>`;
};
