// The raw record: what the platform told the bot, what the bot called.
import { el, clock } from './api.js';

const names = { event: '事件', delivery: '回调', attempt: '调用', note: '平台' };
// notes are the platform's own remarks, in the page's language.
const notes = [
  [/^clock \+(.*)$/, '时钟向前 $1'], [/^rules changed$/, '规则换了'], [/^bot added$/, '机器人已登记'], [/^fault armed$/, '故障已布置'], [/^faults disarmed$/, '故障已撤回'],
  [/^tokens revoked$/, '令牌已作废'], [/^webhook ?(.*)$/, '回调地址 $1'], [/^spinner gave up$/, '按钮等不到回应'], [/^said where the bot does not hear it$/, '机器人听不到的话'],
  [/^socket identified$/, '长连接已登录'], [/^socket resumed$/, '长连接已恢复'], [/^socket closed$/, '长连接断开'], [/^muted (.*)$/, '禁言 $1'], [/^hears all (.*)$/, '听全部消息 $1'],
];
const told = (note) => notes.reduce((text, [from, to]) => text.replace(from, to), note ?? '');
const most = 500; // lines shown
let kind = '';

export function startWire() {
  document.querySelector('#tabs').addEventListener('click', (e) => {
    const tab = e.target.closest('button');
    if (!tab) return;
    kind = tab.dataset.kind;
    for (const b of e.currentTarget.children) b.setAttribute('aria-pressed', String(b === tab));
    for (const li of document.querySelector('#wire').children) li.hidden = kind !== '' && li.dataset.kind !== kind;
  });
}

export function clearWire() { document.querySelector('#wire').replaceChildren(); }

export function addEntries(entries) {
  const list = document.querySelector('#wire');
  const end = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  list.append(...entries.map(line));
  while (list.children.length > most) list.firstChild.remove();
  if (end) list.scrollTop = list.scrollHeight;
}

function line(e) {
  const tags = [];
  const tag = (className, textContent) => tags.push(el('span', { className: `tag ${className}`, textContent }));
  if (e.kind === 'attempt') tag(e.accepted ? 'good' : 'bad', e.accepted ? `${e.status}` : `${e.status} · ${e.code ?? 0}`);
  if (e.kind === 'delivery') tag(e.acked ? 'good' : e.type?.startsWith('attack') ? 'warn' : 'bad', e.status ? `${e.status}${e.acked ? ' 已收' : ''}` : '没有回应');
  if (e.try > 1 && e.kind === 'delivery') tag('warn', `第 ${e.try} 次`);
  if (e.active && e.kind === 'attempt' && e.endpoint?.endsWith('messages')) tag('warn', '主动');
  if (e.fault) tag('bad', `故障 ${e.fault}`);
  if (e.kind === 'event' && e.note?.startsWith('lost')) tag('bad', '没送到');
  if (e.seq && e.kind === 'attempt') tag('note', `seq ${e.seq}`);
  const what = e.kind === 'attempt' ? `${e.method} ${short(e.path)}` : e.type ?? told(e.note);
  const seen = e.seen || (e.kind === 'note' || e.type === undefined ? '' : e.note ?? '');
  const head = el('summary', {}, el('time', { textContent: clock(e.at) }), el('span', { className: `tag ${e.kind}`, textContent: names[e.kind] }),
    el('span', { className: 'what', textContent: what }), ...tags, seen ? el('span', { className: 'seen', textContent: seen }) : null);
  const more = el('details', {}, head);
  more.addEventListener('toggle', () => { if (more.open && more.children.length === 1) more.append(...bodies(e)); });
  return el('li', { data: { kind: e.kind }, hidden: kind !== '' && kind !== e.kind }, more);
}

// short cuts openids down to what can be told apart.
const short = (path) => (path ?? '').replace(/[0-9A-Fa-f]{24,}/g, (id) => `${id.slice(0, 6)}…`).replace(/-[0-9a-f-]{20,}$/, '…');

function bodies(e) {
  const out = [];
  const add = (title, v) => { if (v !== undefined) out.push(el('pre', {}, el('b', { textContent: `${title}\n` }), typeof v === 'string' ? v : JSON.stringify(v, null, 2))); };
  const { request, response, ...rest } = e;
  add(e.kind === 'attempt' ? '请求' : '推送', request);
  add('回应', decode(response));
  if (request === undefined && response === undefined) add('记录', rest);
  return out;
}

// decode opens JSON that was kept as text.
function decode(v) {
  if (typeof v !== 'string') return v;
  try { return JSON.parse(v); } catch { return v; }
}
