/** Light, dark, or as the system has it. */
const KEY = 'pluseboard.theme';

/** @returns {'system' | 'light' | 'dark'} */
export const theme = () => /** @type {any} */ (localStorage.getItem(KEY)) ?? 'system';

/** @param {'system' | 'light' | 'dark'} wanted */
export function setTheme(wanted) {
  if (wanted === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, wanted);
  applyTheme();
}

export function applyTheme() {
  document.documentElement.dataset.theme = theme();
}
