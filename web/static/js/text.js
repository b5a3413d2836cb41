// The words of a reply: taken apart, and shown. A reply is plain text with a
// small Markdown subset: headings, lists, **bold**, and marks 〔n〕 that point to
// the n-th source.

import { el, button } from './dom.js';

/** split takes the list of sources and the closing line off a text. */
export function split(text) {
  const lines = text.split('\n');
  let from = -1;
  for (let i = lines.length - 2; i >= 0 && from < 0; i--) {
    if (lines[i].trim() === '依据' && /^〔\d+〕/.test(lines[i + 1].trim())) from = i;
  }
  const sources = [];
  if (from >= 0) {
    let to = from + 1;
    while (to < lines.length && /^〔\d+〕/.test(lines[to].trim())) sources.push(lines[to++].trim());
    lines.splice(from, to - from);
  }
  let closing = '';
  for (let i = lines.length - 1; i >= 0 && !closing; i--) {
    if (lines[i].startsWith('依据截至')) closing = lines.splice(i, 1)[0].trim();
  }
  return { body: lines.join('\n').trim(), sources, closing };
}

const ordered = /^\s*(\d{1,2})(?:[.．](?!\d)|、|\))\s*(\S.*)$/;
const bullet = /^\s*[-•*]\s+(\S.*)$/;

/** heading gives the words of line i if it is a heading, else ''. A short line
 *  that stands between an empty one and a full one is a heading too. */
function heading(lines, i) {
  const line = lines[i].trim();
  const marked = /^#{1,4}\s+(.+)$/.exec(line);
  if (marked) return marked[1];
  const alone = i > 0 && !lines[i - 1].trim() && i + 1 < lines.length && lines[i + 1].trim();
  if (!alone || line.length > 12 || /[。，；：！？、,.;:!?〕]$/.test(line)) return '';
  return ordered.test(line) || bullet.test(line) ? '' : line;
}

/** blocks takes a text apart into headings, lists and paragraphs. */
export function blocks(text) {
  const lines = text.split('\n');
  const out = [];
  let open = null; // the paragraph or list that the next line may belong to
  const start = (block) => { open = block; out.push(block); };
  lines.forEach((raw, i) => {
    const title = heading(lines, i);
    const number = ordered.exec(raw);
    const dot = bullet.exec(raw);
    if (!raw.trim()) {
      open = null;
    } else if (title) {
      out.push({ kind: 'heading', text: title });
      open = null;
    } else if (number || dot) {
      const kind = number ? 'ol' : 'ul';
      if (!open || open.kind !== kind) start({ kind, items: [] });
      open.items.push(number ? { value: Number(number[1]), lines: [number[2]] } : { lines: [dot[1]] });
    } else if (open && open.items && /^\s{2,}/.test(raw)) {
      open.items[open.items.length - 1].lines.push(raw.trim());
    } else {
      if (!open || open.kind !== 'p') start({ kind: 'p', lines: [] });
      open.lines.push(raw.trim());
    }
  });
  return out;
}

/** show builds a text's elements. openSource(n) is called when a mark is used;
 *  count is how many sources there are. */
export function show(text, { openSource, count }) {
  const box = el('div', { class: 'text' });
  const fill = (node, lines) => {
    lines.forEach((line, i) => {
      if (i) node.append(el('br'));
      node.append(...inline(line, openSource, count));
    });
    return node;
  };
  for (const b of blocks(text)) {
    if (b.kind === 'heading') box.append(fill(el('h4'), [b.text]));
    else if (b.kind === 'p') box.append(fill(el('p'), b.lines));
    else box.append(el(b.kind, null, ...b.items.map((it) => fill(el('li', { value: it.value }), it.lines))));
  }
  return box;
}

const tokens = /\*\*([^*\n]+)\*\*|〔(\d{1,2})〕|0\d{2,3}-\d{7,8}|\d+/g;

/** inline builds what stands in one line: words, bold, marks, numbers to call. */
function inline(line, openSource, count) {
  const out = [];
  let done = 0;
  for (const m of line.matchAll(tokens)) {
    let node = null;
    if (m[1]) node = el('b', null, m[1]);
    else if (m[2] && Number(m[2]) >= 1 && Number(m[2]) <= count) node = mark(Number(m[2]), openSource);
    else if (!m[2] && callable(m[0], line.slice(0, m.index), line.slice(m.index + m[0].length))) node = call(m[0]);
    if (!node) continue;
    out.push(line.slice(done, m.index), node);
    done = m.index + m[0].length;
  }
  out.push(line.slice(done));
  return out.filter((part) => part !== '');
}

function mark(n, openSource) {
  const b = button('', () => openSource(n), { class: 'mark', 'aria-label': `看依据${n}` });
  b.append(...bracketed(n));
  return b;
}

/** bracketed is 〔n〕 with brackets that styles may hide. */
export function bracketed(n) {
  return [el('span', { class: 'bracket' }, '〔'), String(n), el('span', { class: 'bracket' }, '〕')];
}

const texts = '12110'; // the police by text message, for who cannot speak

function call(number) {
  const way = number === texts ? 'sms' : 'tel';
  return el('a', { href: `${way}:${number.replace('-', '')}` }, number);
}

// Lines that people are sent to. Three digits may also be an amount or an
// article, which the words around them tell.
const hotlines = new Set(['12348', '12356', '12355', '12338', '12345', '12309', '12333', '12315', '12388', '12368', '12377', '12351', '12385', '12393', '95598', '96110']);
const short = new Set(['110', '120', '119', '122']);
const unit = /^\s*(?:[.．,，]\d|元|块|万|千|百|条|款|项|天|日|号文|个|人|年|月|周|岁|%|％|分|平|亩|米|公里|斤|倍|小时|[-\/~～—至到]\s*\d)/;
const counted = /(?:第|共|满|超过|不足|约|[\d.．\/-]|[A-Za-z¥￥])\s*$/;

/** callable says whether a number in a text is one to call. */
export function callable(number, before, after) {
  if (/^0\d{2,3}-\d{7,8}$/.test(number)) return !/\d$/.test(before) && !/^\d/.test(after);
  if (hotlines.has(number) || number === texts) return !/[\d.]$/.test(before) && !/^(?:\.\d|元|块)/.test(after);
  return short.has(number) && !counted.test(before) && !unit.test(after);
}

/** hotlinesIn lists the numbers to call in a text, in their order, once each. */
export function hotlinesIn(text) {
  const out = [];
  for (const line of text.split('\n')) {
    for (const m of line.matchAll(/\d+/g)) {
      const fits = hotlines.has(m[0]) || short.has(m[0]);
      if (fits && !out.includes(m[0]) && callable(m[0], line.slice(0, m.index), line.slice(m.index + m[0].length))) out.push(m[0]);
    }
  }
  return out;
}

const digits = '零一二三四五六七八九';

/** han writes 1–9999 in Chinese, as articles are numbered: 276 → 二百七十六. */
export function han(n) {
  const units = ['', '十', '百', '千'];
  const text = String(n);
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const d = Number(text[i]);
    if (d) out += digits[d] + units[text.length - 1 - i];
    else if (!out.endsWith('零')) out += '零';
  }
  out = out.replace(/零+$/, '');
  return n >= 10 && n < 20 ? out.slice(1) : out;
}

/** articleName writes "42" as 第四十二条, "276之一" as 第二百七十六条之一. */
export function articleName(article) {
  const m = /^(\d{1,4})(.*)$/.exec(article || '');
  return m ? `第${han(Number(m[1]))}条${m[2]}` : article || '';
}

/** lawName is the title as people cite it. */
export function lawName(c) {
  return `《${(c.law || '').replace(/^中华人民共和国/, '')}》${articleName(c.article)}`;
}

/** day writes 2026-03-01 as 2026年3月1日. */
export function day(iso) {
  const m = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso || '');
  return m ? `${m[1]}年${Number(m[2])}月${Number(m[3])}日` : iso || '';
}
