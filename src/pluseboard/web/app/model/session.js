/** Who is signed in. */
import { ApiError, api, whenSignedOut } from '../api/http.js';
import { navigate } from '../router.js';
import { forget, state, toast, update } from '../store.js';
import { start, stop } from './live.js';
import { resumeOutbox } from './outbox.js';
import { loadEverything } from './workspaces.js';

/** Where to go after signing in: the page that asked for it. */
const WANTED = 'pluseboard.wanted';

/** At the start of the page. */
export async function resume() {
  whenSignedOut(thrownOut);
  try {
    update({ me: (await api.get('me')).data });
    await enter();
  } catch (error) {
    const signedOut = error instanceof ApiError && error.status === 401;
    if (!signedOut) throw error;
    update({ ready: true });
  }
}

async function enter() {
  start(thrownOut);
  resumeOutbox();
  await loadEverything();
  update({ ready: true });
}

/** @param {string} email */
export const requestCode = (email) => api.post('request-otp', { email });

/**
 * @param {string} email
 * @param {string} otp
 */
export async function signIn(email, otp) {
  await api.post('verify-otp', { email, otp });
  update({ me: (await api.get('me')).data });
  await enter();
  navigate(takeWanted(), { replace: true });
}

/** @param {{username: string, email: string, full_name: string, password: string}} fields */
export const register = (fields) => api.post('register', fields);

export async function signOut() {
  await api.post('logout');
  leave('/sign-in');
}

/** The session was ended elsewhere, or has run out. */
function thrownOut() {
  if (!state.me) return;
  rememberWanted();
  leave('/sign-in');
  toast('You have been signed out.', 'error');
}

/** @param {string} path */
function leave(path) {
  stop();
  sessionStorage.removeItem('pluseboard.drafts');
  forget();
  update({ ready: true });
  navigate(path, { replace: true });
}

export function rememberWanted() {
  if (!['/', '/sign-in', '/register'].includes(location.pathname)) sessionStorage.setItem(WANTED, location.pathname);
}

export const wanted = () => sessionStorage.getItem(WANTED) ?? '/';

function takeWanted() {
  const path = wanted();
  sessionStorage.removeItem(WANTED);
  return path;
}

/** @param {string} full_name */
export async function rename(full_name) {
  update({ me: (await api.patch('me', { full_name })).data });
}
