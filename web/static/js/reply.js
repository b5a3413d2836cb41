// One reply, as the page shows it, and as it is copied.

import { el, button } from './dom.js';
import { bracketed, split, show, hotlinesIn, lawName, day } from './text.js';

export const label = 'AI生成，请核对';

/** unlabelled is a text without the mark that it carries where the page cannot
 *  show one of its own. */
export function unlabelled(text) { return text.replace(mark, ''); }

const mark = /^【AI生成】/;

/** byAI says whether a reply holds a model's words, finished or not. */
const byAI = (event) => byModel(event.answer) || mark.test(event.text);

/** byModel says whether a model wrote the words: such replies carry a label
 *  wherever they go. Fixed sentences have no author and are no answer. */
export function byModel(answer) {
  return Boolean(answer && answer.by && answer.by !== 'reviewed' && answer.by !== 'extract');
}

/** plain is a reply as text, with its label, question and sources, to be
 *  pasted somewhere. */
export function plain(event, question) {
  const a = event.answer;
  const out = [];
  if (question) out.push(`问：${question}`, '');
  if (byAI(event)) out.push(label);
  if (a && a.title) out.push(`答的是：${a.title}`);
  out.push(unlabelled(event.text).replace(/\*\*([^*\n]+)\*\*/g, '$1').replace(/^#{1,4}\s+/gm, ''));
  (event.choices || []).forEach((c, i) => out.push(`${i + 1}. ${c}`));
  out.push('', '——明白 · 公共法律服务助手（我是机器，不是律师）');
  return out.join('\n');
}

const calls = {
  110: '报警', 120: '急救', 119: '火警', 122: '交通事故', 12348: '法律热线', 12356: '心理援助', 96110: '反诈',
  12338: '妇女维权', 12355: '青少年', 12345: '政务热线',
};

/** reply builds the article of one reply. act has say(text), rate(id, useful,
 *  reason), copy(event, button), print(article). */
export function reply(event, act) {
  const a = event.answer || {};
  const parts = split(unlabelled(event.text));
  const cited = a.citations || [];
  const sources = cited.map((c, i) => source(c, i + 1));
  const body = el('div', { class: 'body' });
  const urgent = Boolean(a.urgent);
  if (byAI(event)) body.append(el('p', { class: 'ai-label' }, label));
  if (a.title) body.append(el('h3', { class: 'about' }, `答的是：${a.title}`));
  const text = show(parts.body, { openSource: (n) => open(sources[n - 1]), count: sources.length });
  for (const c of (a.clocks || []).filter((one) => one.due)) addClock(text, c);
  if (urgent) addCalls(text);
  body.append(text);
  if (sources.length || parts.sources.length) body.append(sourceList(sources, parts.sources));
  if (parts.closing) body.append(el('p', { class: 'asof' }, parts.closing));
  const article = el('article', { class: `turn bot${urgent ? ' urgent' : ''}${byAI(event) ? ' ai' : ''}`, 'data-event': event.id },
    el('p', { class: 'who' }, '明白', el('span', { class: 'sr' }, '回答：')), body);
  const next = a.next || [];
  const choices = (event.choices || []).filter((c) => !next.includes(c));
  if (choices.length) article.append(menu(choices, act));
  if (next.length) article.append(chips(next, act));
  article.append(actions(event, article, act));
  return article;
}

/** addCalls puts buttons to call behind the first sentence: what is said there
 *  comes before everything, and its numbers are the ones that matter now. */
function addCalls(text) {
  const first = text.firstElementChild;
  if (!first) return;
  const numbers = hotlinesIn(first.textContent);
  const row = el('p', { class: 'calls' });
  for (const n of numbers.length ? numbers : hotlinesIn(text.textContent).slice(0, 2)) {
    row.append(el('a', { href: `tel:${n}` }, `拨打 ${n}${calls[n] ? ` ${calls[n]}` : ''}`));
  }
  if (row.firstChild) first.after(row);
}

/** addClock highlights the line that tells a period's last day; if the words do
 *  not tell it, it is added behind the conclusion. */
function addClock(text, c) {
  const told = [...text.querySelectorAll('p')].find((p) => p.textContent.includes(day(c.due)) && p.textContent.includes(c.title));
  if (told) told.classList.add('clock');
  else if (text.firstElementChild) text.firstElementChild.after(clock(c));
  else text.append(clock(c));
}

function clock(c) {
  const p = el('p', { class: 'clock' }, `${c.title}：`);
  if (c.from) p.append(`从${day(c.from)}起${c.span}，`);
  else p.append(`${c.span}，`);
  p.append(el('b', null, `最后一天是${day(c.due)}`), '。');
  if (c.basis) p.append(el('span', { class: 'sr' }, `依据${c.basis}。`));
  return p;
}

/** source is one citation that opens. */
function source(c, n) {
  const list = el('dl');
  const row = (name, value) => value && list.append(el('dt', null, name), el('dd', null, value));
  row('法律', c.law);
  row('条文', lawName({ law: '', article: c.article }).replace('《》', ''));
  row('版本', c.version && `${day(c.version)}公布`);
  row('施行', c.effective && day(c.effective));
  row('状态', c.status);
  row('说明', c.note);
  const inner = el('div', { class: 'in' }, list);
  if (c.article_text) inner.append(el('blockquote', null, c.article_text));
  else if (c.status === '外部来源') inner.append(el('p', { class: 'asof' }, '这里没有它的原文，请向办理机关核对。'));
  else inner.append(el('p', { class: 'asof' }, '原文可在“国家法律法规数据库”（flk.npc.gov.cn）按法名和条号查看。'));
  return el('details', { class: 'source' }, el('summary', null, el('span', { class: 'number' }, ...bracketed(n)), el('span', null, lawName(c))), inner);
}

/** sourceList shows the sources; without data, the lines of the text. */
function sourceList(sources, lines) {
  const box = el('section', { class: 'sources' }, el('h4', null, '依据（点开看版本和日期）'));
  if (sources.length) box.append(...sources);
  else for (const line of lines) box.append(el('p', null, line));
  return box;
}

/** open opens a source and moves the reader there. */
function open(details) {
  details.open = true;
  details.querySelector('summary').focus();
  details.scrollIntoView({ block: 'nearest' });
}

function menu(choices, act) {
  const row = (c, i) => el('li', null, el('button', { type: 'button', onclick: () => act.say(c) },
    el('span', { class: 'no' }, String(i + 1)), el('span', null, c)));
  return el('ol', { class: 'choices', 'aria-label': '请选一个' }, ...choices.map(row));
}

function chips(next, act) {
  return el('div', { class: 'next' }, el('p', null, '接着问：'),
    el('div', { class: 'chips' }, ...next.map((q) => button(q, () => act.say(q)))));
}

// Kinds of replies that nobody is asked to rate.
const unrated = new Set(['clarify', 'greeting', 'urgent', 'command']);

function actions(event, article, act) {
  const a = event.answer;
  const row = el('div', { class: 'actions' });
  if (a && a.id && !a.urgent && !unrated.has(a.kind)) row.append(...rating(a.id, article, act));
  row.append(button('复制', (e) => act.copy(event, e.currentTarget)), button('打印', () => act.print(article)));
  return row;
}

const maxReason = 200; // characters, as the records keep

/** rating is the pair of buttons; an answer that was of no use may say why. */
function rating(id, article, act) {
  const yes = button('有用', () => vote(true), { 'aria-pressed': 'false' });
  const no = button('没用', () => vote(false), { 'aria-pressed': 'false' });
  const mark = (useful) => {
    yes.setAttribute('aria-pressed', String(useful === true));
    no.setAttribute('aria-pressed', String(useful === false));
  };
  const vote = async (useful) => {
    const old = article.querySelector('.reason');
    if (old) old.remove();
    if (!await act.rate(id, useful, '')) return;
    mark(useful);
    if (!useful) article.append(reasonForm(id, act));
  };
  mark(act.rated(id));
  return [yes, no];
}

function reasonForm(id, act) {
  const field = `why-${id}`;
  const box = el('textarea', { id: field, rows: '2', maxlength: String(maxReason) });
  const form = el('form', { class: 'reason' },
    el('label', { for: field }, `哪里没帮上？不写也行（最多${maxReason}字）`), box,
    el('div', { class: 'row' }, button('不写了', () => form.remove(), { class: 'quiet' }), el('button', { type: 'submit', class: 'send' }, '提交')));
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    const reason = box.value.trim();
    if (!reason || await act.rate(id, false, reason)) form.remove();
  });
  setTimeout(() => box.focus(), 0);
  return form;
}
