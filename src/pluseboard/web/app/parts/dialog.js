/** Dialogs, menus and confirmations: the browser's own dialog element keeps the focus inside and closes on Escape. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.js';
import { useAction } from './basics.js';
import { Icon } from './icons.js';

let lastTitle = 0;

/** @param {{title: string, onClose: () => void, children?: any}} props */
export const Dialog = ({ title, onClose, children }) => {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [id] = useState(() => `dialog${++lastTitle}`);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const outside = (/** @type {MouseEvent} */ event) => event.target === dialog.current && onClose();
  return html`<dialog ref=${dialog} aria-labelledby=${id} onClose=${onClose} onMouseDown=${outside}>
    <div class="sheet">
      <header><h2 id=${id}>${title}</h2><button class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
};

/**
 * Asks before something that cannot be taken back.
 * @param {{title: string, children?: any, yes: string, onYes: () => Promise<any>, onClose: () => void}} props
 */
export const Confirm = ({ title, children, yes, onYes, onClose }) => {
  const { busy, error, run } = useAction();
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <div class="prose">${children}</div>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    <div class="buttons">
      <button class="quiet" onClick=${onClose} autofocus>Cancel</button>
      <button class="danger" disabled=${busy} onClick=${() => run(() => onYes().then(onClose))}>${yes}</button>
    </div>
  <//>`;
};

/**
 * A button that opens a list of links and buttons.
 * @param {{label: string, button: any, class?: string, children?: any}} props
 */
export const Menu = ({ label, button, class: kind = '', children }) => {
  const [open, setOpen] = useState(false);
  const root = useRef(/** @type {HTMLDivElement | null} */ (null));
  const close = () => setOpen(false);
  useEffect(() => {
    if (!open) return;
    const away = (/** @type {Event} */ event) => !root.current?.contains(/** @type {Node} */ (event.target)) && close();
    document.addEventListener('pointerdown', away);
    document.addEventListener('focusin', away);
    return () => {
      document.removeEventListener('pointerdown', away);
      document.removeEventListener('focusin', away);
    };
  }, [open]);
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const items = [...(root.current?.querySelectorAll('.menu a, .menu button') ?? [])];
    const here = items.indexOf(/** @type {Element} */ (document.activeElement));
    if (event.key === 'Escape' && open) {
      close();
      root.current?.querySelector('button')?.focus();
    } else if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp') && items.length) {
      const next = (here + (event.key === 'ArrowDown' ? 1 : -1) + items.length) % items.length;
      /** @type {HTMLElement} */ (items[here < 0 ? 0 : next]).focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class=${`menu-root ${kind}`} ref=${root} onKeyDown=${keys}>
    <button class="menu-button" aria-expanded=${String(open)} aria-label=${label} onClick=${() => setOpen(!open)}>${button}</button>
    ${open && html`<div class="menu" onClick=${close}>${children}</div>`}
  </div>`;
};
