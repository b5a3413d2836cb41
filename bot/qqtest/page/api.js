// Calls of the control API and the few things every part of the page needs.
export async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

// act tells the platform something; null and a notice if it refuses.
export async function act(action, body) {
  try {
    const answer = await fetch(`/api/${action}`, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
    const out = await answer.json();
    if (answer.ok) return out;
    toast(out.error);
  } catch (err) {
    toast(err.message);
  }
  return null;
}

let timer = 0;
export function toast(text) {
  const box = document.querySelector('#toast');
  box.textContent = text;
  box.classList.add('on');
  clearTimeout(timer);
  timer = setTimeout(() => box.classList.remove('on'), 3500);
}

// el makes an element with properties and children.
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (k === 'data') Object.assign(node.dataset, v);
    else if (k.startsWith('aria-')) node.setAttribute(k, v);
    else node[k] = v;
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

export const clock = (at) => new Date(at).toLocaleTimeString('zh-CN', { hour12: false, timeZone: 'Asia/Shanghai' });
