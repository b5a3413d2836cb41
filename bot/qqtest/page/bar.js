// The controls on top: clock, rules, faults, attacks.
import { act, toast } from './api.js';

let offset = 0; // of the platform's clock against this machine's, milliseconds

export function showBar(s) {
  offset = Date.parse(s.now) - Date.now();
  const ahead = document.querySelector('#ahead');
  ahead.hidden = !s.ahead;
  ahead.textContent = `快 ${span(s.ahead)}`;
  document.querySelector('#profile').value = s.profile;
  const armed = document.querySelector('#armed');
  const left = s.faults.reduce((n, f) => n + f.left, 0);
  armed.hidden = !left;
  armed.textContent = left;
  armed.title = s.faults.map((f) => `${f.kind} × ${f.left}`).join('，');
}

function span(seconds) {
  const d = Math.floor(seconds / 86400), h = Math.floor(seconds % 86400 / 3600), m = Math.floor(seconds % 3600 / 60);
  return [d && `${d} 天`, h && `${h} 时`, m && `${m} 分`].filter(Boolean).join(' ') || `${seconds} 秒`;
}

function tick() {
  document.querySelector('#now').textContent = new Date(Date.now() + offset).toLocaleString('zh-CN', { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZone: 'Asia/Shanghai' });
}

export function startBar(refresh) {
  setInterval(tick, 500);
  tick();
  document.querySelector('.clock').addEventListener('click', async (e) => {
    const d = e.target.dataset.advance;
    if (d && await act('clock', { duration: d })) toast(`时钟向前 ${e.target.textContent.slice(1)}`);
    refresh();
  });
  document.querySelector('#profile').addEventListener('change', async (e) => {
    if (await act('profile', { profile: e.target.value })) toast(`规则：${e.target.selectedOptions[0].textContent}`);
    refresh();
  });
  const form = document.querySelector('#fault');
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    const f = form.elements;
    if (await act('fault', { kind: f.kind.value, endpoint: f.endpoint.value, times: Number(f.times.value) })) {
      toast('故障已布置');
      document.querySelector('#faults').open = false;
    }
    refresh();
  });
  document.querySelector('#disarm').addEventListener('click', async () => { if (await act('disarm', {})) toast('故障都撤回了'); refresh(); });
  document.querySelector('#attack').addEventListener('submit', async (e) => {
    e.preventDefault();
    const out = await act('attack', { kind: e.target.elements.kind.value });
    if (out) toast(out.status ? `机器人回应 ${out.status}${out.status >= 400 && out.status < 500 ? '：挡住了' : ''}` : `没有回应：${out.error}`);
  });
  document.querySelector('#validate').addEventListener('click', async () => { if (await act('validate', {})) toast('地址验证通过：签名正确'); });
  document.addEventListener('click', (e) => {
    for (const menu of document.querySelectorAll('.menu[open]')) if (!menu.contains(e.target)) menu.open = false;
  });
}
