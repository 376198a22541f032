/** Addresses and the views that they mean. Links are ordinary links; a click on one changes the view without loading. */
import { useEffect, useState } from './vendor/hooks.js';

/** @typedef {{name: string, params: Record<string, number>, token: string}} Route */

/** @type {[string, RegExp][]} */
const ROUTES = [
  ['home', /^\/$/],
  ['sign-in', /^\/sign-in$/],
  ['register', /^\/register$/],
  ['invite', /^\/invite\/(?<token>[^/]+)$/],
  ['account', /^\/(account|sessions)$/],
  ['notifications', /^\/notifications$/],
  ['new-workspace', /^\/new$/],
  ['workspace', /^\/w\/(?<w>\d+)$/],
  ['dashboard', /^\/w\/(?<w>\d+)\/dashboard$/],
  ['browse', /^\/w\/(?<w>\d+)\/channels$/],
  ['members', /^\/w\/(?<w>\d+)\/members$/],
  ['invitations', /^\/w\/(?<w>\d+)\/invitations$/],
  ['settings', /^\/w\/(?<w>\d+)\/settings$/],
  ['audit', /^\/w\/(?<w>\d+)\/audit$/],
  ['channel', /^\/w\/(?<w>\d+)\/c\/(?<c>\d+)(\/m\/(?<m>\d+))?$/],
  ['channel-settings', /^\/w\/(?<w>\d+)\/c\/(?<c>\d+)\/settings$/],
];

/**
 * @param {string} path
 * @returns {Route}
 */
export function match(path) {
  const wanted = path.replace(/\/+$/, '') || '/';
  for (const [name, pattern] of ROUTES) {
    const found = pattern.exec(wanted);
    if (!found) continue;
    const groups = Object.entries(found.groups ?? {}).filter(([key, value]) => value && key !== 'token');
    return {
      name,
      params: Object.fromEntries(groups.map(([key, value]) => [key, Number(value)])),
      token: found.groups?.token ?? '',
    };
  }
  return { name: 'missing', params: {}, token: '' };
}

/**
 * @param {string} path
 * @param {{replace?: boolean}} options
 */
export function navigate(path, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  dispatchEvent(new Event('route'));
}

/** The present address's route; it is drawn again when the address changes. */
export function useRoute() {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const look = () => setPath(location.pathname);
    addEventListener('route', look);
    addEventListener('popstate', look);
    look();
    return () => {
      removeEventListener('route', look);
      removeEventListener('popstate', look);
    };
  }, []);
  return match(path);
}

/** Clicks on links to views of the app stay in the app; all others (other tabs, other sites, /api/docs) are left alone. */
export function followLinks() {
  document.addEventListener('click', (event) => {
    const link = /** @type {Element} */ (event.target).closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin) return;
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    if (match(link.pathname).name === 'missing') return;
    event.preventDefault();
    if (link.pathname !== location.pathname) navigate(link.pathname);
    else dispatchEvent(new Event('same-route'));
  });
}
