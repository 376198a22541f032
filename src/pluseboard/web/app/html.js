/** What every component needs, in one import. Text in `html` is escaped by construction: it becomes text nodes. */
import htm from './vendor/htm.js';
import { h } from './vendor/preact.js';

export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from './vendor/hooks.js';
export { Component, createRef, Fragment, render } from './vendor/preact.js';

export const html = htm.bind(h);
