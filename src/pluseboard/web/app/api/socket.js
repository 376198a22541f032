/**
 * One socket for everything: the reference client of docs/realtime.md, with its status shown and with messages that keep their
 * `client_msg_id`. It reconnects with back-off, resumes every log by `since_seq`, and sends a message until it is acknowledged.
 */

/** @import {Frame} from '../types.js' */

/**
 * @typedef {object} Listeners
 * @property {(frame: Frame) => void} onEvent each event, in order and once
 * @property {(log: string, seq: number) => Promise<void>} onResync fetch anew what cannot be replayed
 * @property {(log: string) => void} onEnd that log is no longer one's own to see; 'session': signed out
 * @property {(log: string) => void} onLive a log is followed and complete up to now
 * @property {(status: 'connecting' | 'online' | 'offline') => void} onStatus
 */

const OWN = ['notification', 'notifications_read', 'channel_read']; // events of one's own log

/** @param {Frame} frame */
function logOf({ type, channel_id, workspace_id }) {
  if (OWN.includes(type) || !(channel_id || workspace_id)) return 'user';
  return channel_id ? `channel:${channel_id}` : `workspace:${workspace_id}`;
}

/** @param {string} log */
function target(log) {
  const [kind, id] = log.split(':');
  return id ? { [`${kind}_id`]: Number(id) } : {};
}

export class PluseboardSocket {
  /** @param {Listeners} listeners */
  constructor(listeners) {
    this.listeners = listeners;
    this.presence = 'online';
    this.attempt = 0;
    this.openedAt = Number.NaN;
    this.wasOnline = false;
    this.heardAt = 0;
    this.ended = false;
    /** log -> the seq of the last event known. @type {Map<string, number | undefined>} */
    this.logs = new Map();
    /** client_msg_id -> a message that is not acknowledged yet.
     * @type {Map<string, {frame: Frame, resolve: (ack: Frame) => void, reject: (error: Error) => void}>} */
    this.unsent = new Map();
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.pulse = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    this.connect();
  }

  /**
   * Follow 'channel:7', 'workspace:3' (its activity) or 'user', after event `seq`, or from now on.
   * @param {string} log
   * @param {number} [seq]
   */
  follow(log, seq) {
    this.logs.set(log, seq);
    const type = log.startsWith('channel') ? 'join_channel' : 'subscribe';
    this.transmit({ type, ...target(log), since_seq: seq, ref: log });
  }

  /** @param {string} log */
  leave(log) {
    const type = log.startsWith('channel') ? 'leave_channel' : 'unsubscribe';
    if (this.logs.delete(log)) this.transmit({ type, ...target(log) });
  }

  /**
   * Resolves once the message is committed; until then it is sent again after every reconnection.
   * @param {number} channelId
   * @param {string} body
   * @param {string} id client_msg_id
   * @returns {Promise<Frame>}
   */
  send(channelId, body, id) {
    const frame = { type: 'send_message', channel_id: channelId, body, client_msg_id: id, ref: `send ${id}` };
    this.transmit(frame);
    return new Promise((resolve, reject) => this.unsent.set(frame.ref, { frame, resolve, reject }));
  }

  /** @param {number} channelId */
  typing(channelId) {
    this.transmit({ type: 'typing', channel_id: channelId });
  }

  /** @param {'online' | 'idle'} status */
  setPresence(status) {
    this.presence = status;
    this.transmit({ type: 'heartbeat', status, ref: 'heartbeat' });
  }

  /** @param {Frame} frame */
  transmit(frame) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  /** @param {Frame} frame */
  async receive(frame) {
    this.heardAt = Date.now();
    const waiting = this.unsent.get(frame.ref);
    const log = typeof frame.ref === 'string' ? frame.ref : logOf(frame);
    if (frame.type === 'ack') this.acknowledged(frame, log);
    else if (frame.type === 'error') {
      if (frame.code === 'unavailable')
        setTimeout(() => (waiting ? this.transmit(waiting.frame) : this.again(log)), 1000);
      else if (waiting && this.unsent.delete(frame.ref)) waiting.reject(new Error(frame.message));
      else if (frame.ref && this.logs.delete(log)) this.listeners.onEnd(log);
    } else if (frame.type === 'resync_required') {
      await this.listeners.onResync(log, frame.seq);
      if (this.logs.has(log)) this.follow(log, frame.seq);
    } else if (frame.type === 'unsubscribed') {
      this.listeners.onEvent(frame);
      for (const each of this.logs.keys()) this.again(each); // what has really ended answers not_found
    } else if (frame.seq) {
      const known = this.logs.get(log);
      if (known !== undefined && frame.seq <= known) return;
      if (known !== undefined && (frame.prev_seq ?? frame.seq - 1) > known) return this.again(log); // a hole: have it replayed
      this.logs.set(log, frame.seq);
      this.listeners.onEvent(frame);
    } else this.listeners.onEvent(frame); // typing and presence_update have no seq
  }

  /**
   * @param {Frame} frame
   * @param {string} log
   */
  acknowledged(frame, log) {
    const waiting = this.unsent.get(frame.ref);
    if (waiting) {
      this.unsent.delete(frame.ref);
      waiting.resolve(frame);
    } else if (this.logs.has(log)) {
      this.logs.set(log, Math.max(this.logs.get(log) ?? 0, frame.seq));
      this.listeners.onLive(log);
    }
  }

  /** @param {string} log */
  again(log) {
    if (this.logs.has(log)) this.follow(log, this.logs.get(log));
  }

  async connect() {
    if (!this.wasOnline) this.listeners.onStatus('connecting');
    try {
      // The ticket renews an expired access token on the way, and keeps tokens out of addresses.
      const answer = await fetch('/api/ws-ticket/', { method: 'POST' });
      if (this.ended) return;
      if (answer.status === 401) return this.end();
      const { ticket } = await answer.json();
      if (!ticket) return this.closed();
      const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws/?ticket=${ticket}`);
      this.socket = socket;
      socket.onopen = () => this.opened();
      socket.onmessage = (event) => this.receive(JSON.parse(event.data));
      socket.onclose = (event) => this.closed(event.code);
    } catch {
      this.closed();
    }
  }

  opened() {
    this.openedAt = this.heardAt = Date.now();
    this.wasOnline = true;
    this.setPresence(/** @type {'online' | 'idle'} */ (this.presence));
    for (const log of this.logs.keys()) this.again(log);
    for (const { frame } of this.unsent.values()) this.transmit(frame);
    this.pulse = setInterval(() => {
      if (Date.now() - this.heardAt > 45_000)
        this.closed(); // not even an ack of the heartbeat: the line is dead
      else this.setPresence(/** @type {'online' | 'idle'} */ (this.presence));
    }, 30_000);
    this.listeners.onStatus('online');
  }

  /** @param {number} [code] */
  closed(code) {
    this.drop();
    if (this.ended) return;
    if (code === 4401) return this.end();
    if (code === 1008 || code === 1009) this.refuseUnsent(code);
    if (Date.now() - this.openedAt > 10_000) this.attempt = 0;
    this.openedAt = Number.NaN;
    this.listeners.onStatus('offline');
    const ceiling = Math.min(30_000, 500 * 2 ** this.attempt++);
    this.retry = setTimeout(() => this.connect(), ceiling * (0.5 + Math.random() / 2));
  }

  /** Try at once: the network is back, or somebody asks for it. */
  hurry() {
    if (this.ended || this.socket) return;
    clearTimeout(this.retry);
    this.attempt = 0;
    this.connect();
  }

  /** What was sent is at fault: sending it again would not help. @param {number} code */
  refuseUnsent(code) {
    for (const { reject } of this.unsent.values()) reject(new Error(`the socket was closed with ${code}`));
    this.unsent.clear();
  }

  end() {
    this.close();
    this.listeners.onEnd('session');
  }

  close() {
    this.ended = true;
    clearTimeout(this.retry);
    this.drop();
  }

  drop() {
    clearInterval(this.pulse);
    if (this.socket) this.socket.onclose = this.socket.onmessage = null;
    this.socket?.close();
    this.socket = null;
  }
}
