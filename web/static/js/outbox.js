// What the person said and the server has not taken yet. It is kept in the tab,
// so that a reload loses nothing, and always sent with the id it got first, so
// that the server can tell a repeat.

import { keep, kept } from './dom.js';
import { Pause, Problem, backoff } from './net.js';

const key = 'mingbai.unsent';

/** Outbox sends messages in their order. post(item) sends one; on has
 *  state(item, state, words) with state pending, sent, waiting or failed. */
export class Outbox {
  constructor(post, on) {
    this.post = post;
    this.on = on;
    this.items = kept('sessionStorage', key, []).filter((it) => it && it.id && it.text);
    this.pause = new Pause();
    this.running = false;
  }

  /** add takes a message; it is sent when those before it are. */
  add(item) {
    this.items.push(item);
    this.save();
    this.pump();
  }

  /** drop forgets a message: the server has it, or the person gave it up. */
  drop(id) {
    this.items = this.items.filter((it) => it.id !== id);
    this.save();
  }

  clear() {
    this.items = [];
    this.save();
    this.pause.skip();
  }

  save() { keep('sessionStorage', key, this.items); }

  /** poke tries again at once: the network is back, or the person asked. */
  poke() {
    this.pause.skip();
    this.pump();
  }

  async pump() {
    if (this.running) return;
    this.running = true;
    let tries = 0;
    while (this.items.length) {
      const item = this.items[0];
      this.on.state(item, 'pending', '正在发送…');
      try {
        await this.post(item);
        tries = 0;
        this.drop(item.id);
        this.on.state(item, 'sent', '');
      } catch (err) {
        await this.failed(item, err, tries++);
      }
    }
    this.running = false;
  }

  /** failed waits if trying again may help, else gives the message back. */
  async failed(item, err, tries) {
    if (!this.items.includes(item)) return; // cleared meanwhile
    const known = err instanceof Problem ? err : new Problem(0, '网络不通。');
    if (!known.passing) {
      this.drop(item.id);
      this.on.state(item, 'failed', known.message);
      return;
    }
    const wait = Math.max(known.wait, backoff(tries));
    const words = known.status === 0
      ? '没发出去：网络不通。恢复后会自动重发。'
      : `${known.message} ${Math.ceil(wait / 1000)} 秒后自动重发。`;
    this.on.state(item, 'waiting', words);
    await this.pause.for(wait);
  }
}
