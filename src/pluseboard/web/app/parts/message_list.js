/**
 * The messages of a channel: a few hundred rows of the DOM that move over the whole channel. It keeps what is read in its place while
 * rows come and go above and below, and stays at the end while one is there.
 */
import { Component, createRef, html } from '../html.js';
import { waitingIn } from '../model/outbox.js';
import { markRead } from '../model/unread.js';
import { state, subscribe, update } from '../store.js';
import { at, dayKey, dayName } from '../time.js';
import { Loading } from './basics.js';
import { Icon } from './icons.js';
import { MessageRow } from './message.js';
import { PendingRow } from './pending.js';

/** @import {Channel, Message} from '../types.js' */
/** @import {MessageLog} from '../model/log.js' */

const NEAR = 900; // pixels from an end at which the next page is fetched
const TOGETHER = 5 * 60_000;

/**
 * @typedef {object} Props
 * @property {MessageLog} log
 * @property {Channel} [channel]
 * @property {Message[]} rows
 * @property {string} loading
 * @property {number} below
 * @property {number | null} editing
 * @property {(id: number | null) => void} onEdit
 */

/** @extends {Component<Props>} */
export class MessageList extends Component {
  /** @param {Props} props */
  constructor(props) {
    super(props);
    /** @type {{current: HTMLDivElement | null}} */
    this.scroller = createRef();
    this.stuck = true; // at the end, and to stay there
    this.endTop = 0; // where the end was, when it was last gone to
    this.opened = false;
    this.away = true; // the newest is out of sight
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.reading = undefined;
    this.look = this.look.bind(this);
    this.scrolled = this.scrolled.bind(this);
    this.left = this.left.bind(this);
    this.pending = state.pending;
  }

  componentDidMount() {
    this.unsubscribe = subscribe(() => {
      if (this.pending !== state.pending) {
        this.pending = state.pending;
        this.forceUpdate();
      }
      this.look();
    });
    this.resize = new ResizeObserver(() => this.stuck && this.toEnd());
    if (this.scroller.current) this.resize.observe(this.scroller.current);
    addEventListener('focus', this.look);
    addEventListener('blur', this.left);
    document.addEventListener('visibilitychange', this.look);
  }

  componentWillUnmount() {
    this.unsubscribe?.();
    this.resize?.disconnect();
    clearTimeout(this.reading);
    removeEventListener('focus', this.look);
    removeEventListener('blur', this.left);
    document.removeEventListener('visibilitychange', this.look);
    update({ reading: null });
  }

  /** What comes while nobody looks is new. */
  left() {
    if (state.reading) this.props.log.readSeq = this.props.log.lastSeq;
    this.look();
  }

  // --- place ---

  /** The first row that is seen, and where. */
  getSnapshotBeforeUpdate() {
    const scroller = this.scroller.current;
    // Somebody has scrolled, and the event that tells of it is still to come.
    if (scroller && this.stuck && scroller.scrollTop < this.endTop - 1) this.stuck = this.isAtEnd();
    if (!scroller || this.stuck) return null;
    const top = scroller.getBoundingClientRect().top;
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (scroller.querySelectorAll('[data-id]'))) {
      const place = row.getBoundingClientRect();
      if (place.bottom > top) return { id: row.dataset.id, top: place.top };
    }
    return null;
  }

  /**
   * @param {Props} _before
   * @param {unknown} _state
   * @param {{id: string, top: number} | null} anchor
   */
  componentDidUpdate(_before, _state, anchor) {
    const scroller = this.scroller.current;
    const { log, rows, loading } = this.props;
    if (!scroller) return;
    if (loading === 'open' || !rows.length) {
      this.look();
      return;
    }
    if (log.goal) this.toGoal(log.goal);
    else if (!this.opened || this.reopened) {
      const unread = this.opened ? null : log.firstUnread;
      if (unread) this.rowOf(unread)?.scrollIntoView({ block: 'center' });
      else this.toEnd();
      this.stuck = this.isAtEnd();
    } else if (this.stuck && log.atEnd) this.toEnd();
    else if (anchor) {
      const row = this.rowOf(anchor.id);
      if (row) scroller.scrollTop += row.getBoundingClientRect().top - anchor.top;
    }
    this.opened = true;
    this.reopened = false;
    this.look();
    this.fill();
  }

  /** @param {Props} next */
  componentWillReceiveProps(next) {
    if (next.loading === 'open' && this.opened) this.reopened = true;
  }

  /** @param {number | string} id */
  rowOf(id) {
    return /** @type {HTMLElement | null} */ (this.scroller.current?.querySelector(`[data-id="${id}"]`));
  }

  /** @param {number} id */
  toGoal(id) {
    this.props.log.goal = null;
    this.stuck = false;
    const row = this.rowOf(id);
    row?.scrollIntoView({ block: 'center' });
    row?.focus({ preventScroll: true });
    row?.classList.add('goal');
    setTimeout(() => row?.classList.remove('goal'), 2500);
  }

  toEnd() {
    const scroller = this.scroller.current;
    if (!scroller) return;
    scroller.scrollTop = scroller.scrollHeight;
    this.endTop = scroller.scrollTop;
  }

  isAtEnd() {
    const scroller = this.scroller.current;
    return (
      !!scroller && this.props.log.atEnd && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40
    );
  }

  scrolled() {
    this.stuck = this.isAtEnd();
    this.fill();
    this.look();
  }

  /** Fetch the next page before its end is seen. */
  fill() {
    const scroller = this.scroller.current;
    const { log } = this.props;
    if (!scroller || log.loading || log.error) return;
    if (scroller.scrollTop < NEAR) log.older();
    if (!log.loading && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR) log.newer();
  }

  // --- reading ---

  /** What is before somebody's eyes has been read. */
  look() {
    const { log, channel } = this.props;
    const here = !log.loading && this.isAtEnd();
    const seen = here && document.visibilityState === 'visible' && document.hasFocus();
    const reading = seen ? log.channelId : null;
    if (state.reading !== reading) update({ reading });
    if (here === this.away) {
      this.away = !here;
      this.forceUpdate();
    }
    const waits =
      channel?.is_member && (channel.unread_count || channel.mention_count || log.lastSeq > channel.read_seq);
    if (seen && waits && !this.reading && state.connection === 'online') {
      this.reading = setTimeout(() => {
        const done = () => {
          this.reading = undefined;
        };
        markRead(log.channelId, log.lastSeq).then(done, done);
      }, 300);
    }
  }

  lastOwn() {
    const own = this.props.rows.filter((row) => row.sender_email === state.me?.email && !row.deleted_at);
    return own[own.length - 1]?.id ?? null;
  }

  // --- what is drawn ---

  /** @param {Props} props */
  render({ log, rows, loading, below, channel, editing, onEdit }) {
    const waiting = log.atEnd || log.error ? waitingIn(state.pending, log.channelId, rows) : [];
    const unread = log.firstUnread;
    const jump = !unread && log.rows.length && log.rows[0].seq > log.readSeq && !log.atStart && channel?.is_member;
    return html`<div class="messages-box">
      ${jump && loading !== 'open' && html`<button class="pill top" onClick=${() => log.toFirstUnread()}><${Icon} name="up" size=${16} />Jump to the first unread</button>`}
      <div class="messages" ref=${this.scroller} onScroll=${this.scrolled} tabindex="0" role="region" aria-label="Messages" aria-busy=${String(!!loading)} data-live=${String(log.live)}>
        ${loading === 'open' && html`<${Loading} what="Fetching messages" />`}
        ${loading !== 'open' && log.atStart && channel && html`<${Beginning} channel=${channel} />`}
        ${loading === 'older' && html`<${Loading} what="Fetching older messages" />`}
        <ol class=${loading === 'open' ? 'stale' : ''}>
          ${this.items(rows, unread, editing, onEdit)}
          ${waiting.map((pending) => html`<${PendingRow} key=${pending.id} pending=${pending} />`)}
        </ol>
        ${loading === 'newer' && html`<${Loading} what="Fetching newer messages" />`}
      </div>
      ${
        this.away &&
        loading !== 'open' &&
        rows.length > 0 &&
        html`<button class="pill bottom" onClick=${() => this.newest()}>
        <${Icon} name="down" size=${16} />${below ? `${below} new` : 'To the newest'}</button>`
      }
    </div>`;
  }

  async newest() {
    await this.props.log.toNewest();
    this.stuck = true;
    this.toEnd();
    this.scroller.current?.focus({ preventScroll: true });
  }

  /**
   * @param {Message[]} rows
   * @param {number | null} unread
   * @param {number | null} editing
   * @param {(id: number | null) => void} onEdit
   */
  items(rows, unread, editing, onEdit) {
    const items = [];
    /** @type {Message | null} */
    let above = null;
    for (const row of rows) {
      const newDay = !above || dayKey(above.created_at) !== dayKey(row.created_at);
      if (newDay) items.push(html`<li key=${`day ${row.id}`} class="day"><span>${dayName(row.created_at)}</span></li>`);
      if (row.id === unread) items.push(html`<li key="new" class="new"><span>New</span></li>`);
      const follows = !newDay && row.id !== unread && above?.sender_email === row.sender_email && !above.deleted_at;
      const compact = follows && above && at(row.created_at).getTime() - at(above.created_at).getTime() < TOGETHER;
      items.push(
        html`<${MessageRow} key=${row.id} row=${row} compact=${compact} editing=${editing === row.id} onEdit=${onEdit} />`,
      );
      above = row;
    }
    return items;
  }
}

/** @param {{channel: Channel}} props */
const Beginning = ({ channel }) =>
  html`<div class="beginning"><span class="badge-icon"><${Icon} name=${channel.is_private ? 'lock' : 'hash'} size=${26} /></span>
    <h2>This is where <bdi>#${channel.name}</bdi> begins</h2>
    <p class="soft">${channel.description || channel.topic || 'Say hello: nobody has to be first twice.'}</p></div>`;
