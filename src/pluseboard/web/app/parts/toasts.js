/** Short words at the foot of the page, and what screen readers say. */
import { html } from '../html.js';
import { dismiss, useStore } from '../store.js';
import { Icon } from './icons.js';

export const Toasts = () => {
  const toasts = useStore((state) => state.toasts);
  return html`<div class="toasts" aria-live="polite">
    ${toasts.map(
      ({ id, text, kind }) => html`<div key=${id} class=${`toast ${kind}`}>
        <${Icon} name=${kind === 'error' ? 'warning' : 'check'} size=${18} /><span>${text}</span>
        <button class="icon-button" aria-label="Dismiss" onClick=${() => dismiss(id)}><${Icon} name="close" size=${16} /></button>
      </div>`,
    )}
  </div>`;
};

/** The newest message of the channel on screen, for those who do not see it come. */
export const Announcer = () => {
  const text = useStore((state) => state.announcement);
  return html`<div class="hidden" aria-live="polite">${text}</div>`;
};
