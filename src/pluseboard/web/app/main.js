/** Where the app begins: who is signed in, and the view that the address means. */
import { html, render } from './html.js';
import { resume } from './model/session.js';
import { App } from './pages/app.js';
import { followLinks } from './router.js';
import { applyTheme } from './theme.js';

applyTheme();
followLinks();
const place = /** @type {HTMLElement} */ (document.getElementById('app'));
render(html`<${App} />`, place);
resume().catch(() => render(html`<${App} broken />`, place));
