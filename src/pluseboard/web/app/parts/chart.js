/** A bar chart as SVG: each bar can be pointed at and focused, and the same numbers stand in a table. */
import { html, useState } from '../html.js';
import { shortDay } from '../time.js';

const WIDTH = 640;
const HEIGHT = 220;
const LEFT = 40;
const FOOT = 26;
const TOP = 26;

/** Round steps: 1, 2 or 5 times a power of ten. @param {number} most */
function stepOf(most) {
  const rough = Math.max(1, most / 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough) ?? power);
}

/** @param {{title: string, days: {day: string, count: number}[]}} props */
export const BarChart = ({ title, days }) => {
  const [shown, setShown] = useState(/** @type {number | null} */ (null));
  const most = Math.max(1, ...days.map(({ count }) => count));
  const step = stepOf(most);
  const top = Math.ceil(most / step) * step;
  const height = (/** @type {number} */ count) => (count / top) * (HEIGHT - FOOT - TOP);
  const slot = (WIDTH - LEFT) / days.length;
  const lines = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  const floor = HEIGHT - FOOT;
  const bar = (/** @type {{day: string, count: number}} */ { day, count }, /** @type {number} */ index) => {
    const x = LEFT + index * slot;
    const look = {
      onMouseEnter: () => setShown(index),
      onMouseLeave: () => setShown(null),
      onFocus: () => setShown(index),
      onBlur: () => setShown(null),
    };
    return html`<g key=${day} class=${`bar ${shown === index ? 'shown' : ''} ${index === days.length - 1 ? 'today' : ''}`} tabindex="0" role="img" aria-label=${`${shortDay(day)}: ${count} ${count === 1 ? 'message' : 'messages'}`} ...${look}>
      <rect class="reach" x=${x} y=${TOP - 22} width=${slot} height=${floor - TOP + 22} />
      <rect class="value" x=${x + slot * 0.18} y=${floor - Math.max(height(count), count ? 3 : 1)} width=${slot * 0.64} height=${Math.max(height(count), count ? 3 : 1)} rx="4" />
      ${shown === index && html`<text class="tip" x=${x + slot / 2} y=${floor - height(count) - 8} text-anchor="middle">${count}</text>`}
      ${(index % 2 === (days.length - 1) % 2 || shown === index) && html`<text class="day" x=${x + slot / 2} y=${HEIGHT - 7} text-anchor="middle">${shortDay(day)}</text>`}
    </g>`;
  };
  return html`<figure class="chart">
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label=${title}>
      ${lines.map((value) => html`<g key=${value} class="line" aria-hidden="true"><line x1=${LEFT} x2=${WIDTH} y1=${floor - height(value)} y2=${floor - height(value)} /><text x=${LEFT - 10} y=${floor - height(value) + 4} text-anchor="end">${value}</text></g>`)}
      ${days.map(bar)}
    </svg>
    <details><summary>As a table</summary>
      <table><caption class="hidden">${title}</caption><thead><tr><th scope="col">Day</th><th scope="col">Messages</th></tr></thead>
        <tbody>${days.map(({ day, count }) => html`<tr key=${day}><th scope="row">${shortDay(day)}</th><td>${count}</td></tr>`)}</tbody></table>
    </details>
  </figure>`;
};
