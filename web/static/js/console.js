// Keys of the office's console: next and previous row, search, pages. All of it
// can be reached without them. Nothing happens while somebody types.

const main = document.querySelector('main');
const help = document.querySelector('#keys');
const menus = () => [...document.querySelectorAll('.menu details[open]')];

/** typing says whether keys go into a field. */
function typing(node) {
  return node.isContentEditable || node.matches('textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=file])');
}

/** rows are the lines of the page's lists, each with what gets the focus. */
function rows() {
  return [...main.querySelectorAll('tbody tr, ul.rows > li')].filter((row) => row.offsetParent !== null)
    .map((row) => ({ row, goal: row.querySelector('a[href]') || row }));
}

/** step goes to another row. */
function step(by) {
  const list = rows();
  if (!list.length) return;
  const at = list.findIndex(({ row }) => row.contains(document.activeElement));
  const next = list[at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)];
  if (next.goal === next.row) next.row.tabIndex = -1;
  next.goal.focus({ preventScroll: true });
  next.row.scrollIntoView({ block: 'nearest' });
}

/** search goes to the page's search, or to that of cases. */
function search() {
  const field = main.querySelector('input[type=search]');
  if (field) {
    field.focus();
    field.select();
  } else if (document.querySelector('.menu a[href="/console/cases"]')) {
    location.assign('/console/cases#f-q');
  }
}

/** the letters after a g, and what waits for one */
let going = 0;
function go(key) {
  const link = document.querySelector(`.menu a[data-key="${CSS.escape(key)}"]`);
  going = 0;
  if (link) location.assign(link.href);
}

/** on says whether the person wants keys; they can be switched off. */
function on() {
  try { return localStorage.getItem('mingbai.keys') !== 'off'; } catch { return true; }
}

const keys = { j: () => step(1), k: () => step(-1), '/': search, '／': search, '?': () => help.showModal(), '？': () => help.showModal() };

document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape' && menus().length) {
    const open = menus()[0];
    open.open = false;
    open.querySelector('summary').focus();
    return;
  }
  if (e.ctrlKey || e.altKey || e.metaKey || e.isComposing || help.open || !on() || typing(e.target)) return;
  if (Date.now() - going < 1500) {
    go(e.key.toLowerCase());
  } else if (e.key === 'g') {
    going = Date.now();
  } else if (keys[e.key]) {
    e.preventDefault();
    keys[e.key]();
  }
});

document.addEventListener('click', (e) => {
  for (const menu of menus()) if (!menu.contains(e.target)) menu.open = false;
});

const opener = document.querySelector('#keys-open');
opener.hidden = false;
opener.addEventListener('click', () => help.showModal());
const wanted = document.querySelector('#keys-on');
wanted.checked = on();
wanted.addEventListener('change', () => {
  try { localStorage.setItem('mingbai.keys', wanted.checked ? 'on' : 'off'); } catch { /* for this page alone */ }
});
if (location.hash === '#f-q') document.querySelector('#f-q')?.focus();
