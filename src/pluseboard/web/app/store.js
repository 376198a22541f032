/** What the app knows, in one object. Components select from it; everybody changes it by `update`, and replaces what changes. */
import { useEffect, useReducer, useRef } from './vendor/hooks.js';

/** @import {Activity, Channel, Member, Notice, Pending, Profile, Workspace} from './types.js' */

/**
 * @typedef {object} State
 * @property {Profile | null} me
 * @property {boolean} ready the first load is done
 * @property {'connecting' | 'online' | 'offline'} connection
 * @property {Workspace[]} workspaces
 * @property {Record<number, Channel>} channels those that one sees, of all one's workspaces
 * @property {Record<number, Member[]>} members by workspace
 * @property {Record<number, string>} presence by user: online or idle; who is not in it is offline
 * @property {Record<number, Record<string, number>>} typing by channel: name -> until when (ms)
 * @property {Record<number, Activity[]>} activity by workspace, the newest first
 * @property {Notice[]} notices the newest first
 * @property {number} unreadNotices
 * @property {Pending[]} pending messages that are not acknowledged yet
 * @property {{id: number, text: string, kind: string}[]} toasts
 * @property {string} announcement said by screen readers
 * @property {number | null} reading the channel whose newest messages are before somebody's eyes
 */

/** @returns {State} */
const nothing = () => ({
  me: null,
  ready: false,
  connection: 'connecting',
  workspaces: [],
  channels: {},
  members: {},
  presence: {},
  typing: {},
  activity: {},
  notices: [],
  unreadNotices: 0,
  pending: [],
  toasts: [],
  announcement: '',
  reading: null,
});

export const state = nothing();

/** @type {Set<() => void>} */
const listeners = new Set();
let scheduled = false;

/** @param {Partial<State>} change */
export function update(change) {
  Object.assign(state, change);
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    for (const listener of [...listeners]) listener();
  });
}

/** Signed out: nothing of the last person stays. */
export function forget() {
  update(nothing());
}

/** @param {() => void} listener */
export function subscribe(listener) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * A part of the state; the component is drawn again when that part is another one.
 * @template T
 * @param {(state: State) => T} select
 * @returns {T}
 */
export function useStore(select) {
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const selected = select(state);
  const latest = useRef({ select, selected });
  latest.current = { select, selected };
  useEffect(() => {
    const look = () => {
      if (!Object.is(latest.current.select(state), latest.current.selected)) redraw(undefined);
    };
    look();
    return subscribe(look);
  }, []);
  return selected;
}

let lastToast = 0;

/**
 * A short word at the foot of the page.
 * @param {string} text
 * @param {'done' | 'error'} kind
 */
export function toast(text, kind = 'done') {
  const id = ++lastToast;
  update({ toasts: [...state.toasts, { id, text, kind }] });
  setTimeout(() => dismiss(id), kind === 'error' ? 8000 : 4000);
}

/** @param {number} id */
export function dismiss(id) {
  update({ toasts: state.toasts.filter((each) => each.id !== id) });
}
