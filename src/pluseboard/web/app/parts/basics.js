/** The small parts that every page is made of. */
import { html, useEffect, useRef, useState } from '../html.js';
import { useStore } from '../store.js';
import { Icon } from './icons.js';

const HUES = 12;

/** The same colour for the same address, everywhere (FNV-1a). @param {string} text */
function hueOf(text) {
  let hash = 2166136261;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
  return (hash >>> 8) % HUES;
}

/** The first letters of the first and the last word. @param {string} name */
function initials(name) {
  const letters = name.split(/\s+/).map((word) => /[\p{L}\p{N}]/u.exec(word)?.[0] ?? '');
  const found = letters.filter(Boolean);
  return [found[0], found.length > 1 ? found[found.length - 1] : ''].join('').toUpperCase() || '·';
}

/** @param {{name: string, id: string, size?: 'tiny', presence?: string}} props */
export const Avatar = ({ name, id, size, presence }) =>
  html`<span class=${`avatar hue${hueOf(id)} ${size ?? ''}`} aria-hidden="true">
    ${initials(name)}${presence && html`<span class=${`dot ${presence}`}></span>`}
  </span>`;

/** Who is here, as a dot and as a word. @param {{userId: number | undefined}} props */
export const PresenceDot = ({ userId }) => {
  const presence = useStore(({ presence }) => (userId ? presence[userId] : undefined)) ?? 'offline';
  return html`<span class=${`dot ${presence}`} title=${presence}><span class="hidden">${presence}</span></span>`;
};

/** @param {{children?: any, what?: string}} props */
export const Loading = ({ what = 'Loading' }) =>
  html`<div class="loading" role="status"><span class="pulse" aria-hidden="true"></span><span>${what}…</span></div>`;

/** What there is to say where there is nothing yet. @param {{icon: import('./icons.js').IconName, title: string, children?: any}} props */
export const Empty = ({ icon, title, children }) =>
  html`<div class="empty"><span class="badge-icon"><${Icon} name=${icon} size=${28} /></span><h2>${title}</h2>${children}</div>`;

/** @param {{message: string, onRetry?: () => void}} props */
export const Failure = ({ message, onRetry }) =>
  html`<div class="failure" role="alert"><${Icon} name="warning" /><p>${message}</p>
    ${onRetry && html`<button class="quiet" onClick=${onRetry}>Try again</button>`}</div>`;

/** @param {{count: number, mention?: boolean, label: string}} props */
export const Badge = ({ count, mention, label }) =>
  count > 0 &&
  html`<span class=${`badge ${mention ? 'mention' : ''}`}><span aria-hidden="true">${count > 99 ? '99+' : count}</span><span class="hidden"> ${count} ${label}</span></span>`;

let lastField = 0;

/**
 * A labelled field; other properties go to the input.
 * @param {{label: string, hint?: string, as?: string, [property: string]: any}} props
 */
export const Field = ({ label, hint, as = 'input', children, ...rest }) => {
  const [id] = useState(() => `field${++lastField}`);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <${as} id=${id} aria-describedby=${hint && `${id}-hint`} ...${rest}>${children}</${as}>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
};

/**
 * A form that shows that it works, and what went wrong. `onSubmit` gets the fields by name.
 * @param {{onSubmit: (fields: Record<string, string>) => Promise<any>, submit: string, children?: any, class?: string, danger?: boolean}} props
 */
export const Form = ({ onSubmit, submit, children, class: kind = '', danger }) => {
  const { busy, error, run } = useAction();
  const send = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    run(() => onSubmit(/** @type {any} */ (Object.fromEntries(new FormData(form)))));
  };
  return html`<form class=${kind} onSubmit=${send}>
    ${children}
    ${error && html`<p class="error" role="alert">${error}</p>`}
    <button class=${danger ? 'danger' : 'primary'} disabled=${busy}>${busy ? 'One moment…' : submit}</button>
  </form>`;
};

/** Something that takes time and may fail. */
export function useAction() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const alive = useRef(true);
  useEffect(() => {
    return () => {
      alive.current = false;
    };
  }, []);
  const run = async (/** @type {() => Promise<any>} */ work) => {
    setBusy(true);
    setError('');
    try {
      await work();
    } catch (failed) {
      if (alive.current) setError(/** @type {Error} */ (failed).message);
    }
    if (alive.current) setBusy(false);
  };
  return { busy, error, run };
}

/**
 * Something fetched when the page opens, and again when `key` changes.
 * @template T
 * @param {() => Promise<T>} load
 * @param {unknown} key
 * @returns {{data: T | undefined, error: string, reload: () => Promise<void>}}
 */
export function useFetched(load, key) {
  const [result, setResult] = useState(/** @type {{data?: T, error: string}} */ ({ error: '' }));
  const present = useRef(key);
  present.current = key;
  const reload = async () => {
    try {
      const data = await load();
      if (present.current === key) setResult({ data, error: '' });
    } catch (error) {
      if (present.current === key) setResult({ error: /** @type {Error} */ (error).message });
    }
  };
  useEffect(() => {
    setResult({ error: '' });
    reload();
    return () => {
      present.current = undefined;
    };
  }, [key]);
  return { data: result.data, error: result.error, reload };
}
