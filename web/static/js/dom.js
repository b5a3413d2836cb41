// Small helpers to build elements. Text always becomes text nodes: nothing here
// turns a string into markup.

/** el makes an element: el('p', {class: 'note', hidden: true}, 'words', child). */
export function el(name, props, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === '') continue;
    node.append(child);
  }
  return node;
}

/** button makes a button that submits nothing. */
export function button(words, onclick, props) {
  return el('button', { type: 'button', onclick, ...props }, words);
}

/** byId is the element with an id. */
export function byId(id) { return document.getElementById(id); }

/** randomID is an id of 128 bits that a message keeps for good. */
export function randomID() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

/** spoken says something to screen readers only. */
export function spoken(words) {
  const place = byId('spoken');
  place.textContent = '';
  place.textContent = words;
}

/** calm says whether the reader asked for little movement. */
export function calm() { return matchMedia('(prefers-reduced-motion: reduce)').matches; }

/** keep and kept hold small values in the browser; both do without if it has
 *  no storage to give (private windows, full disks). */
export function keep(storage, key, value) {
  try { window[storage].setItem(key, JSON.stringify(value)); } catch { /* it lives in memory only */ }
}
export function kept(storage, key, otherwise) {
  try {
    const text = window[storage].getItem(key);
    return text === null ? otherwise : JSON.parse(text);
  } catch { return otherwise; }
}
