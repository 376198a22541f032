/** Where one writes. Enter sends, Shift+Enter begins a line, @ completes names, arrow up edits the last message. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.js';
import { tellTyping } from '../model/live.js';
import { sendMessage } from '../model/outbox.js';
import { useStore } from '../store.js';
import { Avatar, PresenceDot } from './basics.js';
import { Icon } from './icons.js';

/** @import {Channel, Member} from '../types.js' */

const MAX_CHARS = 16_000;
const DRAFTS = 'pluseboard.drafts';
const SHOWN = 6;
const TYPING_EVERY = 3000;

/** @returns {Record<string, string>} */
const drafts = () => JSON.parse(sessionStorage.getItem(DRAFTS) ?? '{}');

/** @param {number} channelId @param {string} text */
function keepDraft(channelId, text) {
  const { [channelId]: _, ...others } = drafts();
  sessionStorage.setItem(DRAFTS, JSON.stringify(text ? { ...others, [channelId]: text } : others));
}

/** @param {{channel: Channel, onSent: () => void, onEditLast: () => void}} props */
export const Composer = ({ channel, onSent, onEditLast }) => {
  const [text, setText] = useState(drafts()[channel.id] ?? '');
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const toldAt = useRef(0);
  const completion = useCompletion(channel.workspace_id, field, text, change);
  const length = [...text].length;

  useEffect(() => {
    if (matchMedia('(hover: hover)').matches) field.current?.focus({ preventScroll: true });
  }, []);
  useLayoutEffect(() => {
    if (!field.current) return;
    field.current.style.height = 'auto';
    field.current.style.height = `${Math.min(field.current.scrollHeight, 240)}px`;
  }, [text]);

  /** @param {string} next */
  function change(next) {
    setText(next);
    keepDraft(channel.id, next);
  }
  const typed = (/** @type {InputEvent} */ event) => {
    change(/** @type {HTMLTextAreaElement} */ (event.currentTarget).value);
    if (Date.now() - toldAt.current > TYPING_EVERY) {
      toldAt.current = Date.now();
      tellTyping(channel.id);
    }
  };
  const send = () => {
    if (!text.trim() || length > MAX_CHARS) return;
    sendMessage(channel.id, text);
    change('');
    toldAt.current = 0;
    onSent();
    field.current?.focus();
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || completion.keys(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && !text) {
      event.preventDefault();
      onEditLast();
    }
  };
  return html`<div class="composer">
    ${completion.list}
    <div class="composer-box">
      <textarea ref=${field} rows="1" value=${text} placeholder=${`Write to #${channel.name}`} aria-label=${`Message to #${channel.name}`} dir="auto"
        onInput=${typed} onKeyDown=${keys} onKeyUp=${completion.look} onClick=${completion.look} onBlur=${completion.close} ...${completion.attributes}></textarea>
      ${length > MAX_CHARS - 500 && html`<span class=${`count ${length > MAX_CHARS ? 'error' : ''}`} role="status">${MAX_CHARS - length}</span>`}
      <button class="icon-button send" aria-label="Send" title="Send (Enter)" disabled=${!text.trim() || length > MAX_CHARS} onClick=${send}><${Icon} name="send" /></button>
    </div>
  </div>`;
};

/**
 * Completes @names: a list above the field that the arrow keys move in, as a combobox does.
 * @param {number} workspaceId
 * @param {{current: HTMLTextAreaElement | null}} field
 * @param {string} text
 * @param {(text: string) => void} change
 */
function useCompletion(workspaceId, field, text, change) {
  const members = useStore((state) => state.members[workspaceId]) ?? [];
  const [begun, setBegun] = useState(/** @type {{from: number, word: string} | null} */ (null));
  const [chosen, setChosen] = useState(0);
  const found = begun ? candidates(members, begun.word) : [];
  const close = () => setBegun(null);

  const look = () => {
    const area = field.current;
    const before = area?.value.slice(0, area.selectionStart) ?? '';
    const match = /(?<![\p{L}\p{N}._-])@([A-Za-z0-9._-]*)$/u.exec(before);
    if (match?.[1] !== begun?.word) setChosen(0);
    setBegun(match ? { from: match.index, word: match[1] } : null);
  };
  useEffect(look, [text]);

  const take = (/** @type {string} */ name) => {
    const area = field.current;
    if (!area || !begun) return;
    const end = begun.from + 1 + begun.word.length;
    const place = begun.from + name.length + 2;
    change(`${area.value.slice(0, begun.from)}@${name} ${area.value.slice(end)}`);
    close();
    requestAnimationFrame(() => {
      area.focus();
      area.setSelectionRange(place, place);
    });
  };
  /** @param {KeyboardEvent} event @returns {boolean} whether it was for the list */
  const keys = (event) => {
    if (!found.length) return false;
    if (event.key === 'ArrowDown') setChosen((chosen + 1) % found.length);
    else if (event.key === 'ArrowUp') setChosen((chosen - 1 + found.length) % found.length);
    else if ((event.key === 'Enter' && !event.shiftKey) || event.key === 'Tab') take(found[chosen].username);
    else if (event.key === 'Escape') close();
    else return false;
    event.preventDefault();
    return true;
  };
  const list =
    found.length > 0 &&
    html`<ul class="completion" id="completion" role="listbox" aria-label="People">
      ${found.map(
        (
          each,
          index,
        ) => html`<li key=${each.username} id=${`completion-${index}`} role="option" aria-selected=${String(index === chosen)}
          onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${() => take(each.username)}>
          <${Avatar} name=${each.full_name} id=${each.email} size="tiny" /><span><bdi>${each.full_name}</bdi> <small>@${each.username}</small></span>
          ${each.user_id > 0 && html`<${PresenceDot} userId=${each.user_id} />`}
        </li>`,
      )}
    </ul>`;
  const attributes = found.length
    ? { 'aria-autocomplete': 'list', 'aria-controls': 'completion', 'aria-activedescendant': `completion-${chosen}` }
    : { 'aria-autocomplete': 'list' };
  return { list, attributes, keys, look, close };
}

const EVERYBODY = [
  { user_id: 0, username: 'channel', full_name: 'Everybody in this channel', email: '@channel' },
  { user_id: 0, username: 'here', full_name: 'Those who are online', email: '@here' },
];

/**
 * @param {Member[]} members
 * @param {string} word
 */
function candidates(members, word) {
  const begin = word.toLowerCase();
  const fits = (/** @type {{username: string, full_name: string}} */ { username, full_name }) =>
    username.toLowerCase().startsWith(begin) ||
    full_name
      .toLowerCase()
      .split(/\s+/)
      .some((part) => part.startsWith(begin));
  return [...members, ...EVERYBODY].filter(fits).slice(0, SHOWN);
}
