import { vi } from 'vitest';
import type { EventName } from '../src/lib/session/event-stream';

/** What a browser has and Node has not, as far as live events need it. */
export class FakeBrowser {
  readonly streams: FakeEventSource[] = [];
  readonly #channels = new Set<FakeChannel>();
  readonly #locks = new FakeLocks();
  readonly window = new EventTarget();
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' });

  constructor({ locks = true } = {}) {
    const { streams } = this;
    const channels = this.#channels;
    vi.stubGlobal(
      'EventSource',
      class extends FakeEventSource {
        constructor(url: string) {
          super(url);
          streams.push(this);
        }
      },
    );
    vi.stubGlobal(
      'BroadcastChannel',
      class extends FakeChannel {
        constructor() {
          super(channels);
        }
      },
    );
    vi.stubGlobal('navigator', { onLine: true, ...(locks ? { locks: this.#locks } : {}) });
    vi.stubGlobal('window', this.window);
    vi.stubGlobal('document', this.document);
  }

  /** The streams that are open, or being opened. */
  get open() {
    return this.streams.filter(({ closed }) => !closed);
  }

  /** The one stream that is. */
  get stream(): FakeEventSource {
    const [stream, ...others] = this.open;
    if (!stream || others.length > 0) throw new Error(`${this.open.length} streams are open`);
    return stream;
  }

  online() {
    this.window.dispatchEvent(new Event('online'));
  }

  /**
   * As WebKit does while a page goes away: takes a held lock, and refuses each further request at
   * once.
   */
  refuseLocks() {
    this.#locks.refuse();
  }

  /** How many times a lock was asked for. */
  get lockRequests() {
    return this.#locks.requests;
  }

  /** The page goes away. A page that is kept for the back button may come back. */
  hide() {
    this.window.dispatchEvent(new Event('pagehide'));
  }

  comeBack() {
    this.window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  }

  look() {
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  /**
   * What is said to the channel from now on is lost on the way: the tab that would answer is
   * asleep.
   */
  silence() {
    this.#channels.clear();
  }
}

class FakeEventSource extends EventTarget {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    super();
  }

  close() {
    this.closed = true;
  }

  connect() {
    this.onopen?.();
  }

  fail() {
    this.onerror?.();
  }

  send(name: EventName | 'beat', data: unknown = {}) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }
}

class FakeChannel {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly #all: Set<FakeChannel>;

  constructor(all: Set<FakeChannel>) {
    this.#all = all;
    all.add(this);
  }

  postMessage(data: unknown) {
    for (const channel of this.#all) {
      if (channel !== this) channel.onmessage?.({ data: structuredClone(data) });
    }
  }

  close() {
    this.#all.delete(this);
  }
}

interface Turn {
  hold: () => Promise<void> | undefined;
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * More requests than this are a loop. They are left unanswered, so that a test can end and say so.
 */
const LOOP = 1000;

/** The lock of the leading tab. Any other is always free. */
class FakeLocks {
  requests = 0;
  #refusing = false;
  #holder: Turn | null = null;
  #queue: Turn[] = [];

  refuse() {
    this.#refusing = true;
    this.#holder?.reject(new DOMException('the page goes away', 'AbortError'));
    this.#holder = null;
  }

  request(
    name: string,
    options: LockOptions | (() => Promise<void>),
    hold: Turn['hold'] = () => undefined,
  ) {
    if (typeof options === 'function') return options();
    const { signal, steal } = options;
    this.requests++;
    return new Promise<void>((resolve, reject) => {
      if (this.#refusing) {
        if (this.requests < LOOP) reject(new DOMException('the page goes away', 'AbortError'));
        return;
      }
      const turn = { hold, resolve, reject };
      if (steal) {
        this.#holder?.reject(new DOMException('stolen', 'AbortError'));
        this.#give(turn);
        return;
      }
      signal?.addEventListener('abort', () => {
        if (!this.#queue.includes(turn)) return; // a lock that is held already is not taken back
        this.#queue = this.#queue.filter((other) => other !== turn);
        reject(new DOMException('no longer wanted', 'AbortError'));
      });
      this.#queue.push(turn);
      if (!this.#holder) this.#next();
    });
  }

  #give(turn: Turn) {
    this.#holder = turn;
    void Promise.resolve(turn.hold()).then(() => {
      turn.resolve();
      if (this.#holder !== turn) return;
      this.#holder = null;
      this.#next();
    });
  }

  #next() {
    const turn = this.#queue.shift();
    if (turn) this.#give(turn);
  }
}
