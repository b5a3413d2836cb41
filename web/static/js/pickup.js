// Fetching a reply that could not be brought to where it was asked for, with
// its pick-up code.

import { byId } from './dom.js';
import { call, Problem } from './net.js';
import { show } from './text.js';

/** pickup wires the dialog; open shows it. */
export function pickup() {
  const dialog = byId('pickup-dialog');
  const code = byId('pickup-code');
  const words = byId('pickup-words');
  const found = byId('pickup-found');
  const say = (text) => {
    words.textContent = text;
    words.hidden = !text;
  };
  dialog.querySelector('form').addEventListener('submit', async (e) => {
    e.preventDefault();
    found.replaceChildren();
    if (!code.value.trim()) {
      say('请填取件码。');
      code.focus();
      return;
    }
    say('正在取…');
    try {
      const reply = await call('POST', '/api/v1/pickup', { code: code.value });
      say('');
      found.append(show(reply.text, { openSource() {}, count: 0 }));
      found.focus();
    } catch (err) {
      say(err instanceof Problem ? err.message : '没取成，请再试一次。');
      code.focus();
    }
  });
  byId('pickup-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    code.value = '';
    found.replaceChildren();
    say('');
  });
  return () => dialog.showModal();
}
