/** The head of a page, and a page of settings below it. */
import { html } from '../html.js';
import { Icon } from './icons.js';

export const MenuToggle = () =>
  html`<button class="icon-button only-narrow" aria-label="Open the navigation" onClick=${() => dispatchEvent(new Event('toggle-sidebar'))}>
    <${Icon} name="menu" />
  </button>`;

/** @param {{title: any, under?: any, children?: any}} props the buttons at its end */
export const PageHead = ({ title, under, children }) =>
  html`<header class="page-head"><${MenuToggle} />
    <div class="titles"><h1>${title}</h1>${under && html`<p>${under}</p>`}</div>
    <div class="actions">${children}</div>
  </header>`;

/** @param {{title: string, under?: any, actions?: any, children?: any, wide?: boolean}} props */
export const Page = ({ title, under, actions, children, wide }) =>
  html`<div class="page"><${PageHead} title=${title} under=${under}>${actions}<//>
    <div class="page-body"><div class=${`column ${wide ? 'wide' : ''}`}>${children}</div></div></div>`;

/** @param {{title: string, under?: any, children?: any}} props */
export const Section = ({ title, under, children }) =>
  html`<section class="card"><h2>${title}</h2>${under && html`<p class="soft">${under}</p>`}${children}</section>`;
