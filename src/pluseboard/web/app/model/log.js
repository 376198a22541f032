/**
 * The messages of one channel that the page holds: a window of at most MAX rows that has no holes and moves over the channel, so
 * that 100,000 messages cost no more than a few hundred.
 */
import { api } from '../api/http.js';
import { state } from '../store.js';
import { followChannel, unfollowChannel } from './live.js';

/** @import {Channel, Frame, Message} from '../types.js' */

const PAGE = 60;
export const MAX = 300;

export class MessageLog {
  /**
   * @param {number} channelId
   * @param {() => void} onChange
   */
  constructor(channelId, onChange) {
    this.channelId = channelId;
    this.onChange = onChange;
    /** @type {Message[]} ascending by seq */
    this.rows = [];
    this.atStart = false;
    this.atEnd = false;
    /** how many came that are not in the window */
    this.below = 0;
    /** what came while a page was on its way @type {Message[]} */
    this.recent = [];
    /** @type {'' | 'open' | 'older' | 'newer'} */
    this.loading = 'open';
    this.error = '';
    this.gone = false;
    /** events come as they happen */
    this.live = false;
    /** up to where one had read when the channel was opened */
    this.readSeq = 0;
    /** the newest event's seq */
    this.lastSeq = 0;
    this.closed = false;
    /** the message to be looked at @type {number | null} */
    this.goal = null;
  }

  /**
   * Open at a message, or at the newest.
   * @param {number | null} messageId
   */
  async open(messageId) {
    await this.attempt('open', async () => {
      /** @type {Channel} */
      const channel = (await api.get(`channels/${this.channelId}`)).data;
      this.readSeq = channel.is_member ? channel.read_seq : channel.last_seq;
      this.lastSeq = channel.last_seq;
      await (messageId ? this.showAround(messageId) : this.showNewest());
      if (!this.closed) followChannel(this, channel.last_seq);
    });
  }

  close() {
    this.closed = true;
    unfollowChannel(this);
  }

  /** What is known cannot be continued: fetch anew. */
  reload() {
    return this.attempt('open', () => this.showNewest());
  }

  toNewest() {
    return this.atEnd ? Promise.resolve() : this.attempt('open', () => this.showNewest());
  }

  /** @param {number} messageId */
  toMessage(messageId) {
    if (this.rows.some(({ id }) => id === messageId)) {
      this.goal = messageId;
      this.onChange();
      return Promise.resolve();
    }
    return this.attempt('open', () => this.showAround(messageId));
  }

  toFirstUnread() {
    return this.attempt('open', () => this.showFrom({ after_seq: this.readSeq }));
  }

  /** The first message of a day or later. @param {Date} day */
  toDate(day) {
    return this.attempt('open', () => this.showFrom({ since: day.toISOString().slice(0, 19) }));
  }

  older() {
    if (this.loading || this.atStart || !this.rows.length) return Promise.resolve();
    return this.attempt('older', async () => {
      const page = await this.page({ before_id: this.rows[0].id });
      this.rows = [...page.data, ...this.rows];
      this.atStart = !page.has_more;
      if (this.rows.length > MAX) {
        this.rows = this.rows.slice(0, MAX);
        this.atEnd = false;
      }
    });
  }

  newer() {
    if (this.loading || this.atEnd || !this.rows.length) return Promise.resolve();
    return this.attempt('newer', async () => {
      const page = await this.page({ after_id: this.rows[this.rows.length - 1].id });
      this.rows = [...this.rows, ...page.data];
      if (this.rows.length > MAX) {
        this.rows = this.rows.slice(-MAX);
        this.atStart = false;
      }
      this.reached(!page.has_more);
    });
  }

  // --- what happens ---

  /** An event of the channel's log. @param {Frame} frame */
  apply({ type, channel_id, seq, message }) {
    if (channel_id !== this.channelId) return;
    this.lastSeq = Math.max(this.lastSeq, seq);
    if (type !== 'new_message') {
      this.rows = this.rows.map((row) => (row.id === message.id ? message : row));
      this.recent = this.recent.map((row) => (row.id === message.id ? message : row));
    } else if (this.loading) this.recent.push(message);
    else this.add(message);
    this.onChange();
  }

  /** @param {Message} message */
  add(message) {
    if (this.rows.some(({ id }) => id === message.id)) return;
    if (!this.atEnd) {
      this.below++;
      return;
    }
    this.rows = [...this.rows, message];
    if (this.rows.length > MAX) {
      this.rows = this.rows.slice(-MAX);
      this.atStart = false;
    }
  }

  /** The socket has joined it, and sent what was missed. */
  wentLive() {
    this.live = true;
    this.onChange();
  }

  /** It is not ours to see any more. */
  lost() {
    this.gone = true;
    this.onChange();
  }

  // --- pages ---

  async showNewest() {
    const page = await this.page({});
    this.rows = page.data;
    this.atStart = !page.has_more;
    this.goal = null;
    this.reached(true);
  }

  /** @param {number} id */
  async showAround(id) {
    const message = (await api.get(`messages/${id}`)).data;
    if (message.channel_id !== this.channelId) throw new Error('This message is in another channel.');
    const [before, after] = await Promise.all([this.page({ before_id: id }), this.page({ after_id: id })]);
    this.rows = [...before.data, message, ...after.data];
    this.atStart = !before.has_more;
    this.goal = id;
    this.reached(!after.has_more);
  }

  /** @param {{after_seq?: number, since?: string}} place */
  async showFrom(place) {
    const page = await this.page(place);
    if (!page.data.length) return this.showNewest();
    const before = await this.page({ before_id: page.data[0].id });
    this.rows = [...before.data, ...page.data];
    this.atStart = !before.has_more;
    this.goal = page.data[0].id;
    this.reached(!page.has_more);
  }

  /** @param {Record<string, unknown>} place @returns {Promise<{data: Message[], has_more: boolean}>} */
  page(place) {
    return api.get('messages', { channel_id: this.channelId, limit: PAGE, ...place });
  }

  /** A page has come; it may or may not hold what came meanwhile. @param {boolean} end */
  reached(end) {
    this.atEnd = end;
    if (end) this.below = 0;
    const last = this.rows[this.rows.length - 1]?.seq ?? 0;
    for (const message of this.recent) if (message.seq > last) this.add(message);
    this.recent = [];
  }

  /**
   * @param {'open' | 'older' | 'newer'} what
   * @param {() => Promise<void>} work
   */
  async attempt(what, work) {
    this.loading = what;
    this.error = '';
    this.onChange();
    try {
      await work();
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      this.error = message;
      this.gone = status === 404 && what === 'open' && !this.rows.length;
    }
    this.loading = '';
    if (this.recent.length) this.reached(this.atEnd);
    if (!this.closed) this.onChange();
  }

  /** The seq of the first message that had not been read at the opening, if it is in the window and somebody else's. */
  get firstUnread() {
    const first = this.rows.find((row) => row.seq > this.readSeq);
    if (!first || (first === this.rows[0] && !this.atStart)) return null;
    return this.rows.some((row) => row.seq > this.readSeq && row.sender_email !== state.me?.email) ? first.id : null;
  }
}
