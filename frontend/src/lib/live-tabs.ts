const NAME = 'curfew-live';

/** How long the leading tab may take to answer, in milliseconds. One that sleeps in the background never does. */
const PATIENCE = 1000;

type Message<News> = { kind: 'ask' } | { kind: 'here'; news: News } | { kind: 'news'; news: News };

interface Tab<News> {
  /** What another tab said. */
  hear: (news: News) => void;
  /** This tab leads from now on, until what it returns is called. */
  lead: () => () => void;
  /** What a leading tab says to one that is new. */
  greeting: () => News;
}

/**
 * The tabs of one browser. One of them leads, and listens to the server for all: browsers allow six connections to a host, and more tabs
 * than that would block each other. When it closes, another one leads. In a browser without locks, each leads itself.
 */
export class Tabs<News> {
  readonly #tab: Tab<News>;
  #channel: BroadcastChannel | null = null;
  #stepDown: (() => void) | null = null;
  #waiting = new AbortController();
  #unanswered: ReturnType<typeof setTimeout> | undefined;

  constructor(tab: Tab<News>) {
    this.#tab = tab;
  }

  get leads() {
    return this.#stepDown !== null;
  }

  join() {
    this.#channel = new BroadcastChannel(NAME);
    this.#channel.onmessage = ({ data }: MessageEvent<Message<News>>) => this.#receive(data);
    if (navigator.locks) this.#queue({});
    else this.#stepDown = this.#tab.lead();
    this.wake();
  }

  leave() {
    clearTimeout(this.#unanswered);
    this.#waiting.abort();
    this.#stepDown?.();
    this.#stepDown = null;
    this.#channel?.close();
    this.#channel = null;
  }

  say(news: News) {
    this.#post({ kind: 'news', news });
  }

  /** To be called when somebody looks at the tab: has it lead in the place of one that does not answer. */
  wake() {
    if (this.leads || !this.#channel) return;
    clearTimeout(this.#unanswered);
    this.#unanswered = setTimeout(() => {
      if (!this.leads) this.#queue({ steal: true });
    }, PATIENCE);
    this.#post({ kind: 'ask' });
  }

  #queue(options: LockOptions) {
    this.#waiting.abort();
    const waiting = (this.#waiting = new AbortController());
    // A lock that is stolen cannot also be waited for.
    const how = options.steal ? options : { signal: waiting.signal };
    navigator.locks
      .request(NAME, how, () => this.#hold())
      .catch(() => {
        // Another tab took the lead, or this one stopped waiting for it.
        if (waiting.signal.aborted) return;
        this.#stepDown?.();
        this.#queue({});
      });
  }

  #hold(): Promise<void> | undefined {
    if (!this.#channel) return undefined; // it left in the meantime
    return new Promise((release) => {
      const stop = this.#tab.lead();
      this.#stepDown = () => {
        this.#stepDown = null;
        stop();
        release();
      };
    });
  }

  #receive(message: Message<News>) {
    if (message.kind === 'ask') {
      if (this.leads) this.#post({ kind: 'here', news: this.#tab.greeting() });
      return;
    }
    if (message.kind === 'here') clearTimeout(this.#unanswered);
    this.#tab.hear(message.news);
  }

  #post(message: Message<News>) {
    this.#channel?.postMessage(message);
  }
}
