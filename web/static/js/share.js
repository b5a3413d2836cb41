// Answers that leave the page: copied, printed.

import { byId, spoken } from './dom.js';

/** copy puts a text on the clipboard and says whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOld(text); // without TLS, in old browsers
  }
}

function copyOld(text) {
  const box = document.createElement('textarea');
  const was = document.activeElement;
  box.value = text;
  box.className = 'sr';
  document.body.append(box);
  box.select();
  let done = false;
  try { done = document.execCommand('copy'); } catch { /* not allowed */ }
  box.remove();
  if (was) was.focus();
  return done;
}

/** print prints one turn, or all of them. */
export function print(article) {
  if (article) {
    document.body.classList.add('print-one');
    article.classList.add('printed');
    const before = article.previousElementSibling;
    if (before && before.classList.contains('mine')) before.classList.add('printed');
  }
  window.print();
}

/** prepare opens every source for the printer and closes them again, and keeps
 *  the AI label on words that are copied by hand. */
export function prepare() {
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('.source:not([open])')];
    for (const d of opened) d.open = true;
  });
  addEventListener('afterprint', () => {
    for (const d of opened) d.open = false;
    document.body.classList.remove('print-one');
    for (const n of document.querySelectorAll('.printed')) n.classList.remove('printed');
  });
  byId('log').addEventListener('copy', (e) => {
    const chosen = getSelection();
    const words = String(chosen);
    const labels = [...document.querySelectorAll('.turn.ai .ai-label')];
    const label = labels.find((n) => chosen.containsNode(n.closest('.turn'), true));
    if (!label || words.includes(label.textContent)) return;
    e.clipboardData.setData('text/plain', `${label.textContent}\n${words}`);
    e.preventDefault();
  });
}

/** said shows on a button for a moment that something was done. */
export function said(button, words) {
  const was = button.textContent;
  button.textContent = words;
  spoken(words);
  setTimeout(() => { button.textContent = was; }, 2000);
}
