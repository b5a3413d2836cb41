// The way to the server: calls that say what went wrong, and a stream of events
// that comes back by itself.

const patience = 15000; // ms for an answer to a call

/** Problem is a call that failed. status 0: no answer from the server; wait: ms
 *  until it makes sense to try again, 0 if not said. */
export class Problem extends Error {
  constructor(status, message, wait) {
    super(message);
    this.status = status;
    this.wait = wait || 0;
  }

  /** passing says whether trying again may help. */
  get passing() { return this.status === 0 || this.status === 429 || this.status >= 500; }

  /** gone says that the server does not know the conversation. */
  get gone() { return this.status === 404 || this.status === 401; }
}

async function problem(res) {
  const wait = Number(res.headers.get('Retry-After')) * 1000 || 0;
  let message = '服务器没有正常回答，请稍后再试，急事打 12348（免费）。';
  try {
    const said = (await res.json()).message;
    if (typeof said === 'string' && said) message = said;
  } catch { /* not ours: a proxy's page */ }
  return new Problem(res.status, message, wait);
}

/** call makes a request and gives the decoded answer, null if there is none. */
export async function call(method, path, body) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), patience);
  try {
    const res = await fetch(path, {
      method, signal: stop.signal, cache: 'no-store',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!res.ok) throw await problem(res);
    return res.status === 204 ? null : await res.json();
  } catch (err) {
    if (err instanceof Problem) throw err;
    throw new Problem(0, '网络不通。');
  } finally {
    clearTimeout(timer);
  }
}

/** backoff is how long to wait before try n (from 0), in ms: it doubles up to
 *  15 s, and half of it is chance, so that a thousand pages do not come at once. */
export function backoff(n) {
  const most = Math.min(15000, 400 * 2 ** Math.min(n, 10));
  return most / 2 + Math.random() * most / 2;
}

/** Pause is a wait that can be cut short. */
export class Pause {
  for(ms) {
    return new Promise((done) => {
      this.end = done;
      this.timer = setTimeout(done, ms);
    });
  }

  skip() {
    clearTimeout(this.timer);
    if (this.end) this.end();
  }
}

const silence = 40000; // ms: the server gives a sign every 15 s

/** Stream reads a conversation's events. on has event(kind, data), state(up,
 *  full), gone(erased). It goes on until stop. */
export class Stream {
  constructor(path, last, on) {
    this.path = path;
    this.last = last;
    this.on = on;
    this.tries = 0;
    this.pause = new Pause();
    this.stopped = false;
  }

  /** run connects and connects again. */
  async run() {
    while (!this.stopped) {
      const wait = await this.once();
      if (this.stopped) return;
      if (this.tries > 0) this.on.state(false, wait > 0);
      await this.pause.for(Math.max(wait, backoff(this.tries++)));
    }
  }

  /** poke tries again at once. */
  poke() { this.pause.skip(); }

  /** again drops the connection for a new one. */
  again() {
    if (this.abort) this.abort.abort();
    this.pause.skip();
  }

  stop() {
    this.stopped = true;
    this.pause.skip();
    if (this.abort) this.abort.abort();
  }

  /** once reads one connection to its end and gives the ms to wait. */
  async once() {
    this.abort = new AbortController();
    try {
      const headers = { Accept: 'text/event-stream', 'Last-Event-ID': String(this.last) };
      this.watch();
      const res = await fetch(this.path, { headers, cache: 'no-store', signal: this.abort.signal });
      if (!res.ok) throw await problem(res);
      this.on.state(true);
      await this.read(res.body.getReader());
    } catch (err) {
      if (this.stopped || !(err instanceof Problem)) return 0;
      if (!err.gone) return err.wait;
      this.stop();
      this.on.gone(false);
    } finally {
      clearTimeout(this.watchdog);
    }
    return 0;
  }

  /** watch ends a connection that has gone quiet: some networks drop one
   *  without telling either end. */
  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.abort.abort(), silence);
  }

  async read(reader) {
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.stopped) return;
      this.watch();
      rest += decoder.decode(value, { stream: true });
      const parts = rest.split('\n\n');
      rest = parts.pop();
      for (const part of parts) this.take(part);
    }
  }

  /** take handles one block of the stream; an event half sent is not one. */
  take(block) {
    let kind = '';
    let data = '';
    for (const line of block.split('\n')) {
      if (line.startsWith('event: ')) kind = line.slice(7);
      if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (data || block.startsWith(':')) this.tries = 0; // it works, not only connects
    if (!data) return;
    const event = JSON.parse(data);
    if (kind === 'error' && event.code === 'not_found') {
      this.stop();
      this.on.gone(true);
      return;
    }
    if (event.id) {
      if (event.id <= this.last) return; // had it already
      this.last = event.id;
    }
    this.on.event(kind, event);
  }
}
