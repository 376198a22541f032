/** Where nothing is, and where nothing answers. */
import { html } from '../html.js';
import { Logo } from '../parts/icons.js';
import { Outside } from '../parts/outside.js';

export const MissingPage = () => {
  return html`<${Outside} title="There is nothing here">
    <p class="soft">This page does not exist, or it is not yours to see. Perhaps you were removed from a workspace, or the link is old.</p>
    <p><a class="button primary" href="/">Go to your workspaces</a></p>
  <//>`;
};

export const UnreachablePage = () =>
  html`<div class="fill"><div class="empty"><${Logo} size=${48} /><h1>The server does not answer</h1>
    <p class="soft">It may be restarting. Nothing is lost.</p>
    <button class="primary" onClick=${() => location.reload()}>Try again</button></div></div>`;
