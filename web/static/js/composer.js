// The box to write in.

import { byId } from './dom.js';

const most = 2000; // characters of one message, as the server takes

/** composer wires the form; say(text) takes what was written. */
export function composer(say) {
  const form = byId('composer');
  const words = byId('words');
  const count = byId('count');
  const draft = () => {
    const n = [...words.value].length;
    words.style.height = 'auto';
    words.style.height = `${words.scrollHeight + 3}px`;
    count.classList.toggle('over', n > most);
    count.textContent = n > most ? `太长了，多了 ${n - most} 字，请分几次说` : n > most - 200 ? `还能写 ${most - n} 字` : '';
  };
  const send = () => {
    const text = words.value.trim();
    if (!text || [...text].length > most) {
      words.focus();
      return;
    }
    words.value = '';
    draft();
    say(text);
  };
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    send();
    words.focus();
  });
  words.addEventListener('input', draft);
  words.addEventListener('keydown', (e) => {
    // While an input method composes, Enter picks a word. Safari ends composing
    // before it tells of the key, and marks that with code 229.
    if (e.key !== 'Enter' || e.shiftKey || e.isComposing || e.keyCode === 229) return;
    e.preventDefault();
    send();
  });
  form.hidden = false;
  return {
    put(text) {
      words.value = text;
      draft();
      words.focus();
    },
  };
}
