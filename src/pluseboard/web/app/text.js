/** From the text of a message to what is shown: code, links and mentions. Everything else stays text; nothing becomes HTML. */
import { html } from './html.js';

const BLOCK = /```(?:[a-z0-9+-]*\n)?([\s\S]*?)```/g;
const PIECE = /`([^`\n]+)`|(https?:\/\/[^\s<>"'`]+)|(?<![\p{L}\p{N}._-])@([A-Za-z0-9][A-Za-z0-9._-]*)/gu;

/**
 * @param {string} text
 * @param {(name: string) => '' | 'self' | 'other'} mentioned whom a name means
 * @returns {any[]}
 */
export function shown(text, mentioned) {
  return split(
    text,
    BLOCK,
    ([, code]) => html`<pre class="code" tabindex="0"><code>${code.replace(/\n$/, '')}</code></pre>`,
    (rest) =>
      split(
        rest,
        PIECE,
        ([whole, code, link, name]) => {
          if (code !== undefined) return html`<code>${code}</code>`;
          if (link !== undefined) return linked(link);
          const plain = name.replace(/[._-]+$/, '');
          const whom = mentioned(plain.toLowerCase());
          if (!whom) return whole;
          return [html`<span class=${`at ${whom}`}>@${plain}</span>`, whole.slice(plain.length + 1)];
        },
        (plain) => [plain],
      ),
  );
}

/** A full stop or bracket at the end of an address is the sentence's. @param {string} link */
function linked(link) {
  let end = link.length;
  while (end && /[.,:;!?)\]}]/.test(link[end - 1]) && !(link[end - 1] === ')' && link.slice(0, end).includes('(')))
    end--;
  const address = link.slice(0, end);
  return [html`<a href=${address} target="_blank" rel="noopener noreferrer">${address}</a>`, link.slice(end)];
}

/**
 * @param {string} text
 * @param {RegExp} pattern
 * @param {(found: RegExpExecArray) => any} inside
 * @param {(rest: string) => any[]} outside
 */
function split(text, pattern, inside, outside) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > from) parts.push(...outside(text.slice(from, found.index)));
    parts.push(inside(/** @type {RegExpExecArray} */ (found)));
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push(...outside(text.slice(from)));
  return parts;
}
