// The page of the simulator: it follows the transcript by long requests and
// shows the state anew whenever something happened.
import { get, toast, act } from './api.js';
import { showContacts, showChat, current, startChat } from './chat.js';
import { startWire, addEntries, clearWire } from './wire.js';
import { startBar, showBar } from './bar.js';

let state = null;

async function refresh() {
  state = await get('/api/state');
  showBar(state);
  showContacts(state);
  await showChat(state);
}

// follow asks for news for ever. An answer with a smaller last number means
// that the platform was reset.
async function follow() {
  let after = 0;
  for (;;) {
    try {
      const news = await get(`/api/transcript?after=${after}&wait=${after ? 25 : 0}&last=400`);
      if (news.last < after) { clearWire(); after = 0; continue; }
      addEntries(news.entries);
      after = news.last;
      await refresh();
    } catch (err) {
      toast(`和模拟平台断开了：${err.message}`);
      await new Promise((done) => setTimeout(done, 1500));
    }
  }
}

startBar(refresh);
startWire();
startChat(refresh, () => state);
document.querySelector('#add').addEventListener('submit', async (e) => {
  e.preventDefault();
  const name = e.target.elements.name.value.trim();
  if (!name) { toast('先写名字'); return; }
  const bot = current.bot;
  const link = e.target.elements.link.value.trim();
  const done = link && e.submitter.value !== 'group'
    ? await act('open', { app_id: bot, user: name, link })
    : e.submitter.value === 'group'
    ? await act('group', { app_id: bot, group: name, members: state.bots.find((b) => b.app_id === bot).chats.filter((c) => c.scene === 'c2c').slice(0, 5).map((c) => c.name) })
    : await act('user', { app_id: bot, user: name });
  if (done) e.target.reset();
  await refresh();
});
follow();
