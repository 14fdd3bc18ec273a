const NAME = 'curfew-live';

/** How long the leading tab may take to answer, in milliseconds. A sleeping tab never does. */
const PATIENCE = 1000;

/** How long to wait after a refused or stolen lock, in milliseconds. It doubles with each try. */
const RETRY = 1000;

/** How many times in a row to retry. A tab that gets no lock after that leads itself. */
const RETRIES = 5;

/** How long a lock has to be held to count as a success, in milliseconds. */
const STEADY = 10_000;

type Envelope<M> = { kind: 'ask' } | { kind: 'here' | 'message'; message: M };

interface Tab<M> {
  onMessage: (message: M) => void;
  /** This tab leads from now on, until the function that it returns is called. */
  lead: () => () => void;
  /** What a leading tab says to a new one. */
  greeting: () => M;
}

/**
 * The tabs of one browser. One of them leads, and listens to the server for all, because browsers
 * allow only six connections to a host. When it closes, another one leads. In a browser without
 * locks, each tab leads itself.
 */
export class Tabs<M> {
  readonly #tab: Tab<M>;
  #channel: BroadcastChannel | null = null;
  #stepDown: (() => void) | null = null;
  #waiting = new AbortController();
  #unanswered: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #heldSince = Infinity;

  constructor(tab: Tab<M>) {
    this.#tab = tab;
  }

  get leads() {
    return this.#stepDown !== null;
  }

  join() {
    this.#channel = new BroadcastChannel(NAME);
    this.#channel.onmessage = ({ data }: MessageEvent<Envelope<M>>) => this.#receive(data);
    if (navigator.locks) this.#queue({});
    else this.#stepDown = this.#tab.lead();
    this.wake();
  }

  leave() {
    clearTimeout(this.#unanswered);
    clearTimeout(this.#retry);
    this.#waiting.abort();
    this.#stepDown?.();
    this.#stepDown = null;
    this.#channel?.close();
    this.#channel = null;
  }

  say(message: M) {
    this.#post({ kind: 'message', message });
  }

  /** Called when a person looks at the tab: it takes the lead from a tab that does not answer. */
  wake() {
    if (this.leads || !this.#channel) return;
    clearTimeout(this.#unanswered);
    this.#unanswered = setTimeout(() => {
      if (!this.leads) this.#queue({ steal: true });
    }, PATIENCE);
    this.#post({ kind: 'ask' });
  }

  #queue(options: LockOptions) {
    clearTimeout(this.#retry);
    this.#waiting.abort();
    const waiting = (this.#waiting = new AbortController());
    // A lock that is stolen cannot also be waited for.
    const how = options.steal ? options : { signal: waiting.signal };
    navigator.locks
      .request(NAME, how, () => this.#hold())
      .catch(() => {
        if (!waiting.signal.aborted) this.#fail();
      });
  }

  /**
   * Another tab stole the lock, or the browser refuses it. WebKit takes every lock from a page that
   * reloads and refuses all further requests at once: a retry without a delay would keep that page
   * alive for ever.
   */
  #fail() {
    this.#stepDown?.();
    if (Date.now() - this.#heldSince > STEADY) this.#failures = 0;
    this.#heldSince = Infinity;
    if (this.#failures === RETRIES) this.#stepDown = this.#tab.lead();
    else this.#retry = setTimeout(() => this.#queue({}), RETRY * 2 ** this.#failures++);
  }

  #hold(): Promise<void> | undefined {
    if (!this.#channel) return undefined; // it left in the meantime
    this.#heldSince = Date.now();
    return new Promise((release) => {
      const stop = this.#tab.lead();
      this.#stepDown = () => {
        this.#stepDown = null;
        stop();
        release();
      };
    });
  }

  #receive(envelope: Envelope<M>) {
    if (envelope.kind === 'ask') {
      if (this.leads) this.#post({ kind: 'here', message: this.#tab.greeting() });
      return;
    }
    if (envelope.kind === 'here') clearTimeout(this.#unanswered);
    this.#tab.onMessage(envelope.message);
  }

  #post(envelope: Envelope<M>) {
    this.#channel?.postMessage(envelope);
  }
}
