// The list of chats, the chat that is open, and what can be said in it.
import { get, act, toast, el } from './api.js';

export const current = { bot: '', id: '' };
let refresh = () => {};
let state = () => null;
let shown = ''; // what the bubbles show, so that they are not drawn for nothing
let listed = ''; // the same of the list

const scenes = { c2c: '单聊', group: '群', guild: '频道', dm: '频道私信' };

const face = (name, scene) => {
  let sum = 0;
  for (const c of name) sum += c.codePointAt(0);
  return el('span', { className: `face ${scene} ${scene === 'bot' ? '' : `c${sum % 6}`}`, textContent: [...name][0] ?? '', 'aria-hidden': 'true' });
};

const bot = (s) => s.bots.find((b) => b.app_id === current.bot);
const contact = (s) => bot(s)?.chats.find((c) => c.id === current.id);

export function showContacts(s) {
  if (!bot(s)) current.bot = s.bots[0]?.app_id ?? '';
  if (!contact(s)) current.id = bot(s)?.chats[0]?.id ?? '';
  const key = JSON.stringify([current, s.bots]);
  if (key === listed) return;
  listed = key;
  const list = document.querySelector('#contacts');
  const rows = [];
  for (const b of s.bots) {
    for (const [scene, title] of Object.entries(scenes)) {
      const chats = b.chats.filter((c) => c.scene === scene);
      if (!chats.length) continue;
      rows.push(el('h3', { textContent: s.bots.length > 1 ? `${title} · ${b.name}` : title }));
      for (const c of chats) {
        const row = el('button', { type: 'button', className: 'contact', 'aria-current': String(c.id === current.id && b.app_id === current.bot) },
          face(c.name, scene), el('div', {}, el('strong', { textContent: c.name }), el('span', { textContent: c.last.replace(/[#*>\n]+/g, ' ').slice(0, 40) || '还没有消息' })));
        row.addEventListener('click', () => { current.bot = b.app_id; current.id = c.id; shown = ''; refresh(); });
        rows.push(row);
      }
    }
  }
  list.replaceChildren(...rows);
}

export async function showChat(s) {
  const c = contact(s);
  document.querySelector('#composer').hidden = !c;
  if (!c) return;
  const { bubbles } = await get(`/api/chat?bot=${current.bot}&id=${c.id}`);
  const key = JSON.stringify([current, c, bubbles]);
  if (key === shown) return;
  shown = key;
  document.querySelector('#name').textContent = c.name;
  document.querySelector('#people').textContent = c.people ? c.people.join('、') : '';
  switches(c);
  composer(c);
  const log = document.querySelector('#bubbles');
  const end = log.scrollHeight - log.scrollTop - log.clientHeight < 80 || log.dataset.id !== c.id;
  log.dataset.id = c.id;
  log.replaceChildren(...turns(bubbles, s, c));
  if (end) log.scrollTop = log.scrollHeight;
}

function turns(bubbles, s, c) {
  if (!bubbles.length) return [el('p', { className: 'empty', textContent: '在下面写一句话，就像在 QQ 上一样。' })];
  const out = [];
  let last = 0;
  for (const b of bubbles) {
    const at = Date.parse(b.at);
    if (at - last > 4 * 60e3) out.push(el('p', { className: 'stamp', textContent: new Date(at).toLocaleString('zh-CN', { month: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Shanghai' }) }));
    last = at;
    out.push(turn(b, s, c));
  }
  return out;
}

function turn(b, s, c) {
  const mine = b.from !== '';
  const name = mine ? b.from : bot(s).name;
  let bubble;
  if (b.recalled) bubble = el('div', { className: 'bubble recalled', textContent: '撤回了一条消息' });
  else if (b.kind === 'typing') bubble = el('div', { className: 'bubble typing', textContent: '正在输入…' });
  else if (b.html) bubble = el('div', { className: 'bubble', innerHTML: b.html });
  else bubble = el('div', { className: 'bubble plain', textContent: b.text + (b.open ? ' ▍' : '') });
  bubble.addEventListener('click', (e) => follow(e, c));
  return el('div', { className: mine ? 'turn person' : 'turn' }, face(name, mine ? 'c2c' : 'bot'),
    el('div', {}, c.scene === 'c2c' ? null : el('span', { className: 'from', textContent: name }), bubble, keys(b, c)));
}

// follow keeps links in the demo: commands are said, addresses only shown.
function follow(e, c) {
  const link = e.target.closest('a');
  if (!link) return;
  e.preventDefault();
  const href = link.getAttribute('href');
  if (!href.startsWith('#say-')) { toast(`链接：${href}（演示里不打开）`); return; }
  say(c, decodeURIComponent(href.slice(5)));
}

function keys(b, c) {
  if (!b.buttons || b.recalled) return null;
  return el('div', { className: 'keys' }, ...b.buttons.map((row) => el('div', {}, ...row.map((k) => {
    const key = el('button', { type: 'button', textContent: k.label, title: k.data, data: { spin: b.spinners?.[k.id] ?? '', key: k.id } });
    key.addEventListener('click', async () => {
      if (k.type === 0) { toast(`链接：${k.data}（演示里不打开）`); return; }
      await act('press', { app_id: current.bot, ...whom(c), button: k.id || k.label });
      refresh();
    });
    return key;
  }))));
}

// whom names the person and the room a command is about.
function whom(c) {
  const speaker = document.querySelector('#composer').elements.speaker.value;
  if (c.scene === 'group') return { user: speaker, group: c.name };
  if (c.scene === 'guild') return { user: speaker, guild: c.name };
  return { user: c.name };
}

async function say(c, text) {
  const at = document.querySelector('#composer').elements.at.checked;
  await act('say', { app_id: current.bot, ...whom(c), text, at: c.scene !== 'group' || at });
  refresh();
}

function switches(c) {
  const box = document.querySelector('#switches');
  const add = (text, on, action, body) => {
    const input = el('input', { type: 'checkbox', checked: on });
    input.addEventListener('change', async () => { await act(action, { app_id: current.bot, ...body, on: input.checked }); shown = ''; refresh(); });
    box.append(el('label', {}, input, text));
  };
  box.replaceChildren();
  if (c.scene === 'c2c') {
    add('好友', c.friend, 'friend', { user: c.name });
    add('接收主动消息', c.push, 'push', { user: c.name });
  }
  if (c.scene === 'group') {
    add('机器人在群', c.in, 'robot', { group: c.name });
    add('允许主动消息', c.push, 'push', { group: c.name });
    add('听全部消息', c.all, 'all', { group: c.name });
    add('禁言', c.muted, 'mute', { group: c.name });
  }
}

function composer(c) {
  const form = document.querySelector('#composer');
  const speaker = form.elements.speaker;
  form.querySelector('.who').hidden = c.scene === 'c2c' || c.scene === 'dm';
  form.elements.at.parentElement.hidden = c.scene !== 'group';
  const people = c.people ?? bot(state()).chats.filter((x) => x.scene === 'c2c').map((x) => x.name);
  const was = speaker.value;
  speaker.replaceChildren(...people.map((p) => el('option', { textContent: p })));
  if (people.includes(was)) speaker.value = was;
}

export function startChat(again, present) {
  refresh = again;
  state = present;
  const form = document.querySelector('#composer');
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    const text = form.elements.text.value.trim();
    if (!text) return;
    form.elements.text.value = '';
    await say(contact(state()), text);
  });
  form.elements.text.addEventListener('keydown', (e) => {
    if (e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
    e.preventDefault();
    form.requestSubmit();
  });
}
