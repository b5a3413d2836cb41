// Finds articles by words of their title. The titles come in parts, the newest
// first; loading stops when there is enough to show.
(() => {
  'use strict';
  const most = 50;
  const form = document.querySelector('form');
  const said = document.querySelector('#said');
  const list = document.querySelector('#found');
  const parts = Number(form.dataset.parts) || 0;
  const fold = (s) => s.normalize('NFKC').toLowerCase();

  const row = ([key, title, topic, day]) => {
    const a = document.createElement('a');
    a.href = key;
    a.textContent = title;
    const about = document.createElement('p');
    about.className = 'about';
    about.textContent = topic + ' · ' + day;
    const li = document.createElement('li');
    li.append(a, about);
    return li;
  };

  let turn = 0;
  const find = async (words) => {
    const mine = ++turn;
    list.replaceChildren();
    said.textContent = '正在查找…';
    let found = 0;
    for (let n = parts; n > 0 && found < most; n--) {
      const r = await fetch('search/' + String(n).padStart(4, '0') + '.json');
      if (!r.ok) throw new Error(String(r.status));
      const rows = await r.json();
      if (mine !== turn) return;
      for (const one of rows) {
        const title = fold(one[1]);
        if (found < most && words.every((w) => title.includes(w))) {
          list.append(row(one));
          found++;
        }
      }
    }
    said.textContent = found === 0 ? '没有找到。换个说法，或看下面的往期目录。'
      : found < most ? '找到 ' + found + ' 篇。' : '先列出最新的 ' + most + ' 篇，多写几个字可以找得更准。';
  };

  const begin = () => {
    const text = (new URLSearchParams(location.search).get('q') || '').slice(0, 60);
    document.querySelector('#q').value = text;
    const words = fold(text).split(/\s+/).filter(Boolean);
    if (words.length > 0) {
      find(words).catch(() => { said.textContent = '现在查不了，请稍后再试，或看下面的往期目录。'; });
    }
  };
  begin();
})();
