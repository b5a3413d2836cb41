// The conversation: which one it is, what is in it, what is still to come.

import { randomID } from './dom.js';
import { call, Pause, Problem, Stream, backoff } from './net.js';
import { Outbox } from './outbox.js';

const api = '/api/v1/conversations';
const fresh = 120000; // ms: a message older than that gets no reply any more

/** Chat keeps one conversation. on has message(id, text, seq), state(id,
 *  state, words), reply(event), partial(event), typing(bool), line(up, full),
 *  history(add),
 *  ended(reason): what the page shows. */
export class Chat {
  constructor(on) {
    this.on = on;
    this.id = '';
    this.stream = null;
    this.awaited = new Set(); // ids of messages that have no reply yet
    this.pause = new Pause();
    this.outbox = new Outbox((item) => this.post(item), {
      state: (item, state, words) => {
        if (state === 'sent') this.awaited.add(item.id);
        on.state(item.id, state, words);
        this.tellTyping();
      },
    });
    this.replied = new Set(); // ids of messages that have one
    this.channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('mingbai') : null;
    if (this.channel) this.channel.onmessage = (e) => this.heard(e.data || {});
  }

  /** start shows what there is and sends what was left unsent. */
  async start() {
    for (const item of this.outbox.items) this.on.message(item.id, item.text, 0);
    let tries = 0;
    while (!this.id) {
      try {
        await this.adopt(await this.find());
        break;
      } catch (err) {
        if (!(err instanceof Problem) || !err.passing) break;
        this.on.line(false);
        await this.pause.for(Math.max(err.wait, backoff(tries++)));
      }
    }
    this.outbox.pump();
  }

  /** find gives the conversation of this browser, null if there is none. */
  async find() {
    try {
      return await call('GET', `${api}/current`);
    } catch (err) {
      if (err instanceof Problem && err.gone) return null;
      throw err;
    }
  }

  /** adopt goes on with a conversation. */
  adopt(c) {
    this.on.line(true);
    if (!c || this.id === c.id) return;
    this.leave();
    this.id = c.id;
    this.on.history(() => c.events.forEach((e) => this.event(e.type, e)));
    this.connect(c.events.length ? c.events[c.events.length - 1].id : 0);
    this.tellTyping();
  }

  connect(last) {
    this.stream = new Stream(`${api}/${this.id}/events`, last, {
      event: (kind, e) => this.event(kind, e),
      state: (up, full) => {
        this.on.line(up, full);
        if (up && this.outbox.items.length) this.outbox.poke();
      },
      gone: (erased) => this.ended(erased ? 'erased' : 'expired'),
    });
    this.stream.run();
  }

  /** ready makes sure that there is a conversation to talk in. Two tabs that
   *  begin at once share one. */
  async ready() {
    if (this.id) return;
    const begin = async () => {
      const have = await this.find();
      if (this.id) return;
      this.adopt(have || await call('POST', api));
      if (!have) this.tell({ begun: this.id });
    };
    if (navigator.locks) await navigator.locks.request('mingbai', begin);
    else await begin();
  }

  /** say takes what the person said. */
  say(text) {
    const item = { id: randomID(), text };
    this.on.message(item.id, text, 0);
    this.outbox.add(item);
  }

  /** post sends one message. A conversation that has expired is replaced once. */
  async post(item) {
    await this.ready();
    const send = () => call('POST', `${api}/${this.id}/messages`, { id: item.id, text: item.text });
    try {
      await send();
    } catch (err) {
      if (!(err instanceof Problem) || !err.gone) throw err;
      this.ended('expired');
      await this.ready();
      await send();
    }
  }

  event(kind, e) {
    if (kind === 'typing') {
      this.on.typing(true);
      return;
    }
    if (kind === 'partial') {
      if (!this.replied.has(e.ref)) this.on.partial(e);
      return;
    }
    if (kind === 'message') {
      this.outbox.drop(e.ref);
      if (Date.now() - Date.parse(e.at) < fresh) this.awaited.add(e.ref);
      this.on.message(e.ref, e.text, e.id);
    } else if (kind === 'reply') {
      this.awaited.delete(e.ref);
      this.replied.add(e.ref);
      this.on.reply(e);
    }
    this.tellTyping();
  }

  tellTyping() {
    for (const id of this.awaited) if (this.replied.has(id)) this.awaited.delete(id);
    this.on.typing(this.awaited.size > 0);
  }

  /** erase deletes the conversation here and on the server. */
  async erase() {
    const id = this.id;
    this.outbox.clear();
    if (id) {
      try {
        await call('DELETE', `${api}/${id}`);
      } catch (err) {
        if (!(err instanceof Problem) || !err.gone) throw err;
      }
    }
    this.leave();
    this.tell({ erased: id });
    this.on.ended('mine');
  }

  /** ended forgets a conversation that the server no longer has. */
  ended(reason) {
    if (!this.id) return;
    this.leave();
    this.on.ended(reason);
  }

  leave() {
    if (this.stream) this.stream.stop();
    this.stream = null;
    this.id = '';
    this.awaited.clear();
    this.replied.clear();
    this.on.typing(false);
  }

  tell(words) { if (this.channel) this.channel.postMessage(words); }

  /** heard acts on what another tab did. */
  async heard(words) {
    if (words.erased && words.erased === this.id) {
      this.outbox.clear();
      this.ended('erased');
    }
    if (words.begun && !this.id) {
      try { this.adopt(await this.find()); } catch { /* the next message finds it */ }
    }
  }

  /** poke tries everything at once that waits for the network. */
  poke() {
    this.pause.skip();
    this.outbox.poke();
    if (this.stream) this.stream.poke();
  }

  /** rest closes the stream of a tab that nobody looks at: browsers allow few
   *  connections to one server. */
  rest() {
    if (!this.stream || this.awaited.size || this.outbox.items.length) return;
    this.resting = this.stream.last;
    this.stream.stop();
    this.stream = null;
  }

  /** again makes a new connection: the old one may be dead without a sign. */
  again() {
    if (this.id && !this.stream) this.connect(this.resting);
    else if (this.stream) this.stream.again();
    this.poke();
  }
}
