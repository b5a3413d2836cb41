// Preview while an officer writes. The form is sent to where its button sends it,
// and what the answer shows in #preview takes the place of what stands there: the
// server renders, nothing here builds markup from text. Without this script, or
// when something fails, the button does the same with a whole page.

const form = document.querySelector('#write');
const view = document.querySelector('#preview');
const said = document.querySelector('#preview-said');
const pause = 500; // milliseconds without a key

let timer = 0;
let request = null;
let last = '';

/** typed is the form as the button sends it, without the picture: a file goes only when a person says so. */
function typed() {
  const data = new FormData(form);
  data.delete('picture');
  data.set('act', 'preview');
  return data;
}

/** later asks for a preview when nobody has typed for a moment. */
function later(wait = pause) {
  clearTimeout(timer);
  timer = setTimeout(ask, wait);
}

/** ask sends what is typed, unless it is what was sent last; an answer still under way is given up. */
function ask() {
  const data = typed();
  const text = new URLSearchParams(data).toString();
  if (text === last) return;
  last = text;
  request?.abort();
  const mine = request = new XMLHttpRequest();
  mine.open('POST', form.action);
  mine.responseType = 'document';
  mine.timeout = 20000;
  mine.onload = () => show(mine.status === 200 && mine.response?.querySelector('#preview'), mine.status);
  mine.onerror = mine.ontimeout = () => show(null, 0);
  mine.send(data);
}

/** show puts a new preview in the old one's place, and says in one line what it found. */
function show(fresh, status) {
  if (!fresh) {
    last = ''; // the next key tries again
    said.textContent = status === 401 ? '登录过期了。写的还在：另开一页登录，再回来接着写。' : '预览现在更新不了，可以按“预览和检查”。';
    return;
  }
  const tops = [...view.querySelectorAll('pre, .page')].map((box) => box.scrollTop);
  view.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  view.querySelectorAll('pre, .page').forEach((box, i) => { box.scrollTop = tops[i] || 0; });
  const count = (kind) => view.querySelectorAll(`.findings .badge.${kind}`).length;
  const picture = form.elements.picture.files.length ? '；选的图片存草稿时才传' : '';
  said.textContent = `预览跟上了：要改 ${count('late')} 处，提醒 ${count('soon')} 处${picture}。`;
}

form.addEventListener('input', (e) => { if (!e.isComposing) later(); });
form.addEventListener('compositionend', () => later());
form.addEventListener('change', () => later());
form.addEventListener('submit', () => { clearTimeout(timer); request?.abort(); });
if (form.elements.body.value && !view.querySelector('.places')) later(0);
