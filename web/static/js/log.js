// The list of what was said, as elements of the page.

import { el, button, byId, calm } from './dom.js';
import { label, reply, unlabelled } from './reply.js';
import { show } from './text.js';

/** Log shows a conversation. act is what the buttons at replies do; resend()
 *  and edit(text) are for messages that did not get through. */
export class Log {
  constructor(act) {
    this.act = act;
    this.box = byId('log');
    this.mine = new Map(); // message id → its element
    this.said = new Map(); // message id → its words
    this.growing = new Map(); // message id → what there is of its reply
  }

  get empty() { return !this.box.firstChild; }

  /** quietly adds much at once without reading it all aloud. */
  quietly(add) {
    this.box.setAttribute('aria-live', 'off');
    add();
    requestAnimationFrame(() => this.box.setAttribute('aria-live', 'polite'));
  }

  /** message shows what the person said. seq is its number on the server, 0 as
   *  long as that is not known; a second call for the same id tells it. */
  message(id, text, seq) {
    const have = this.mine.get(id);
    if (have) {
      if (!seq || have.dataset.seq) return;
      this.place(have);
      have.dataset.seq = seq;
      this.state(id, 'sent', '');
      return;
    }
    const state = seq ? 'sent' : 'pending';
    const node = el('article', { class: 'turn mine', 'data-message': id, 'data-state': state },
      el('p', { class: 'sr' }, '您说：'), el('p', { class: 'said' }, text), el('p', { class: 'state', hidden: true }));
    this.mine.set(id, node);
    this.said.set(id, text);
    if (seq) {
      this.place(node);
      node.dataset.seq = seq;
    } else {
      this.box.append(node);
    }
  }

  /** place puts what has its number before what has none yet, so that all
   *  stands in the server's order. */
  place(node) {
    const first = this.box.querySelector('.mine:not([data-seq])');
    if (first !== node) this.box.insertBefore(node, first); // null: at the end
  }

  /** state says how a message is getting on. */
  state(id, state, words) {
    const node = this.mine.get(id);
    if (!node || node.dataset.state === 'sent') return;
    node.dataset.state = state;
    const line = node.querySelector('.state');
    line.replaceChildren();
    line.hidden = state === 'sent';
    if (line.hidden) return;
    if (state === 'pending') {
      this.soon(node, line, words);
      return;
    }
    line.append(el('span', { class: state === 'failed' ? 'bad' : '' }, words));
    if (state === 'waiting') line.append(button('现在重发', () => this.act.resend()));
    if (state === 'failed') {
      line.append(button('修改后再发', () => {
        const text = this.said.get(id);
        this.mine.delete(id);
        node.remove();
        this.act.edit(text);
      }));
    }
  }

  /** soon says that a message is on its way, unless it arrives at once. */
  soon(node, line, words) {
    setTimeout(() => {
      if (node.dataset.state === 'pending' && !line.firstChild) line.append(words);
    }, 800);
  }

  /** partial shows what there is of a reply that is being made. */
  partial(event) {
    let node = this.growing.get(event.ref);
    if (!node) {
      node = el('article', { class: 'turn bot ai growing', 'aria-busy': 'true' },
        el('p', { class: 'who' }, '明白'), el('div', { class: 'body' }));
      this.growing.set(event.ref, node);
      this.place(node);
    }
    node.querySelector('.body').replaceChildren(el('p', { class: 'ai-label' }, label), show(unlabelled(event.text), { openSource() {}, count: 0 }));
  }

  /** answer shows a reply, in the place of what was there of it. */
  answer(event) {
    const growing = this.growing.get(event.ref);
    if (growing) {
      this.growing.delete(event.ref);
      growing.remove();
    }
    const node = reply(event, this.act);
    this.place(node);
    return node;
  }

  /** question is what a reply answers, '' if it answers nothing. */
  question(event) { return this.said.get(event.ref) || ''; }

  /** note is a line of the page's own. */
  note(words) {
    const node = el('p', { class: 'note' }, words);
    this.place(node);
    return node;
  }

  clear() {
    this.box.replaceChildren();
    this.mine.clear();
    this.said.clear();
    this.growing.clear();
  }
}

/** bring moves an element into view, with its beginning first. */
export function bring(node) {
  node.scrollIntoView({ block: 'start', behavior: calm() ? 'auto' : 'smooth' });
}
