/** The frame of the pages before the door: one card, and what this is. */
import { html, useEffect } from '../html.js';
import { Logo } from './icons.js';

/** A heartbeat over the whole width: decoration. */
const Beat = () =>
  html`<svg class="beat" viewBox="0 0 1200 120" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <path d="M0 70h260l22-44 30 82 26-60 14 22h180l18-30 26 52 20-22h170l24-62 34 104 26-62 16 20h334" />
  </svg>`;

/** @param {{title: string, children?: any}} props */
export const Outside = ({ title, children }) => {
  useEffect(() => {
    document.title = `${title} · pluseboard`;
  }, [title]);
  return html`<div class="outside"><${Beat} />
    <main class="door">
      <a class="brand" href="/"><${Logo} size=${40} /><span>pluseboard</span></a>
      <h1>${title}</h1>
      ${children}
    </main>
    <footer class="outside-foot"><a href="/api/docs">API</a><a href="/livez">Status</a></footer>
  </div>`;
};
