// The residents' page: puts the parts together.

import { byId, button, keep, kept, spoken } from './dom.js';
import { call, Problem } from './net.js';
import { Chat } from './chat.js';
import { Log, bring } from './log.js';
import { composer } from './composer.js';
import { plain } from './reply.js';
import { pickup } from './pickup.js';
import { copy, print, prepare, said } from './share.js';

const starters = ['老板欠工资怎么办', '请律师没钱怎么办', '想离婚，孩子归谁', '借出去的钱要不回来', '和邻居有纠纷找谁调解', '办公证要带什么'];
const slow = 12000; // ms after which an answer is late
const giveUp = 40000; // ms more after which none is expected
const restAfter = 30000; // ms until a tab that nobody looks at closes its stream

const rated = kept('sessionStorage', 'mingbai.rated', {});

const act = {
  say: (text) => say(text),
  resend: () => chat.outbox.poke(),
  edit: (text) => box.put(text),
  rated: (id) => rated[id],
  rate,
  print,
  async copy(event, pressed) {
    const words = plain(event, log.question(event));
    said(pressed, await copy(words) ? '已复制' : '没复制成，请长按选字');
  },
};

const log = new Log(act);
const box = composer((text) => say(text));
const chat = new Chat({
  message: (id, text, seq) => {
    log.message(id, text, seq);
    greet();
  },
  state: (id, state, words) => log.state(id, state, words),
  reply: (event) => arrived(log.answer(event)),
  partial: (event) => log.partial(event),
  history: (add) => log.quietly(() => { loading = true; add(); loading = false; latest(); }),
  typing,
  line,
  ended,
});
let loading = false;

/** say sends words as the person's own. */
function say(text) {
  chat.say(text);
  const mine = byId('log').lastElementChild;
  if (mine) bring(mine);
}

/** rate stores whether an answer was of use. */
async function rate(id, useful, reason) {
  try {
    await call('POST', '/api/v1/feedback', reason ? { answer: id, useful, reason } : { answer: id, useful });
  } catch (err) {
    brief(err instanceof Problem ? `没记上：${err.message}` : '没记上，请再点一次。');
    return false;
  }
  rated[id] = useful;
  keep('sessionStorage', 'mingbai.rated', rated);
  spoken(useful ? '谢谢，记下了。' : '记下了，谢谢您告诉我们。');
  return true;
}

/** arrived brings a new reply into view, beginning first. */
function arrived(node) {
  greet();
  if (!loading) bring(node.previousElementSibling && node.previousElementSibling.classList.contains('mine') ? node.previousElementSibling : node);
}

function latest() {
  const turns = document.querySelectorAll('.turn.mine');
  if (turns.length) turns[turns.length - 1].scrollIntoView({ block: 'start' });
}

/** greet shows the welcome while nothing was said. */
function greet() { byId('welcome').hidden = !log.empty; }

let typingTimer = 0;

function typing(on) {
  const sign = byId('typing');
  clearTimeout(typingTimer);
  if (on && sign.hidden) byId('typing-words').textContent = '正在查法条…';
  sign.hidden = !on;
  if (!on) return;
  typingTimer = setTimeout(() => {
    byId('typing-words').textContent = '还在查，请稍等。急事先打 12348（免费）。';
    typingTimer = setTimeout(() => { sign.hidden = true; }, giveUp);
  }, slow);
}

/** line says when the way to the server is cut, or the server is full. */
function line(up, full) {
  if (up) notice('');
  else if (full) notice('现在人多，过一会儿自动再连。急事打 12348（免费）。');
  else notice(navigator.onLine === false ? '没有网络。您写的话先存着，连上就发。' : '网络断了，正在重连…');
}

/** brief says something for a while. */
function brief(words) {
  notice(words);
  setTimeout(() => { if (byId('status').textContent === words) notice(''); }, 8000);
}

function notice(words) {
  const status = byId('status');
  if (status.textContent !== words) status.textContent = words;
  status.hidden = !words;
}

/** ended tells why a conversation is over. */
function ended(reason) {
  if (reason === 'expired') {
    log.note('之前的对话已经过期，前面说的我不记得了。接着问，就是新的对话。');
    return;
  }
  log.clear();
  notice('');
  greet();
  spoken(reason === 'mine' ? '对话已删除。' : '对话已在别的窗口删除。');
  if (reason === 'mine') byId('words').focus();
}

/** menu wires the header. */
function menu() {
  const more = byId('menu');
  const larger = byId('larger');
  const size = (on) => {
    larger.setAttribute('aria-pressed', String(on));
    if (on) document.documentElement.dataset.size = 'large';
    else delete document.documentElement.dataset.size;
  };
  larger.addEventListener('click', () => {
    const on = larger.getAttribute('aria-pressed') !== 'true';
    size(on);
    keep('localStorage', 'mingbai.large', on);
  });
  size(kept('localStorage', 'mingbai.large', false) === true);
  larger.hidden = more.hidden = false;
  const item = (id, run) => byId(id).addEventListener('click', () => { more.open = false; run(); });
  item('print-all', () => print(null));
  item('restart', () => say('重来'));
  item('pickup', pickup());
  item('erase', () => byId('ask-erase').showModal());
  document.addEventListener('click', (e) => { if (!more.contains(e.target)) more.open = false; });
  more.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape' || !more.open) return;
    more.open = false;
    more.querySelector('summary').focus();
  });
}

async function erase() {
  const dialog = byId('ask-erase');
  if (dialog.returnValue !== 'yes') return;
  dialog.returnValue = '';
  try {
    await chat.erase();
  } catch (err) {
    brief(err instanceof Problem ? `没删成：${err.message}` : '没删成，请再试一次。');
  }
}

/** presence follows the network and whether anybody looks. */
function presence() {
  let timer = 0;
  let left = 0;
  addEventListener('online', () => {
    line(true);
    chat.again();
  });
  addEventListener('offline', () => line(false));
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) {
      left = Date.now();
      timer = setTimeout(() => chat.rest(), restAfter);
    } else if (Date.now() - left > restAfter) {
      chat.again();
    }
  });
}

for (const q of starters) byId('starters').append(button(q, () => say(q)));
byId('human').addEventListener('click', () => say('转人工'));
byId('ask-erase').addEventListener('close', erase);
menu();
prepare();
presence();
chat.start().then(greet);

/** offered puts what a link says (#say=…) into the box, for the person to send
    or not. It is in the part of the address that goes to no server. */
function offered() {
  if (!location.hash.startsWith('#say=')) return;
  try {
    box.put(decodeURIComponent(location.hash.slice(5)).slice(0, 200));
  } catch { /* not a whole address */ }
  history.replaceState(null, '', location.pathname);
}
addEventListener('hashchange', offered);
offered();
