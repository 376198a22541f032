/** The API's times are UTC without a zone; people see those of their own place. */

/** @param {string} utc */
export const at = (utc) => new Date(`${utc}Z`);

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const withYear = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** @param {string} utc */
export const timeOf = (utc) => clock.format(at(utc));
/** @param {string} utc */
export const fullTime = (utc) => whole.format(at(utc));
/** @param {string} utc */
export const dateOf = (utc) => date.format(at(utc));
/** A day of the API, which is one of UTC. @param {string} day */
export const shortDay = (day) => short.format(new Date(`${day}T12:00:00`));

/** @param {Date} moment */
const dayNumber = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();

/** @param {string} utc */
export const dayKey = (utc) => dayNumber(at(utc));

/** "Today", "Yesterday", "Monday, 3 March". @param {string} utc */
export function dayName(utc) {
  const moment = at(utc);
  const days = Math.round((dayNumber(new Date()) - dayNumber(moment)) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return (moment.getFullYear() === new Date().getFullYear() ? weekday : withYear).format(moment);
}

/** "now", "5 min", "3 h", then a date. @param {string} utc */
export function ago(utc) {
  const minutes = Math.floor((Date.now() - at(utc).getTime()) / 60_000);
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  return short.format(at(utc));
}
