/** The events of the server, by the names that `GET /api/events` gives them. */
export const EVENTS = [
  'session.ended',
  'session.expiring',
  'policy.changed',
  'sessions.changed',
] as const;

export type EventName = (typeof EVENTS)[number];

interface Listener {
  heard: (name: EventName, data: unknown) => void;
  /** The connection stands: the first one, or one after a break, in which events may have been missed. */
  connected: (afterBreak: boolean) => void;
  lost: () => void;
  /**
   * Asked after every break, before connecting anew: whether to go on. An EventSource does not tell why it was refused,
   * and for good, be it for a token that wants refreshing or for a session that has ended. Throws where nobody can say.
   */
  goOn: () => Promise<boolean>;
}

/** How long to wait before connecting anew, at first and at most, in milliseconds. */
const SOON = 500;
const LATEST = 30_000;

/** How long a connection has to stand to count as a success, so that one that is cut off at once is not asked for at once. */
const STEADY = 10_000;

/** How long the server is quiet at most, in milliseconds: it beats every twenty seconds. Beyond that the connection is dead, though nobody said so. */
const QUIET = 50_000;

/** A stream of events that comes back by itself after a break. */
export class EventStream {
  readonly #listener: Listener;
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #connectedAt = Infinity;
  /** Counts openings and breaks, so that what was begun before the last of them is dropped. */
  #turn = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  open(afterBreak = false) {
    this.close();
    this.#failures = 0;
    this.#connect(afterBreak);
  }

  close() {
    this.#turn++;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    if (this.#source) {
      // WebKit reports an error of a closed source when its page comes back.
      this.#source.onerror = null;
      this.#source.close();
    }
    this.#source = null;
  }

  /** Connects anew at once: the connection may be long dead without anybody having noticed. */
  renew() {
    this.#break();
    this.#failures = 0;
    void this.#retry();
  }

  #connect(afterBreak: boolean) {
    const source = (this.#source = new EventSource('/api/events'));
    source.onopen = () => {
      this.#connectedAt = Date.now();
      this.#alive();
      this.#listener.connected(afterBreak);
    };
    source.onerror = () => this.#fail();
    source.addEventListener('beat', () => this.#alive());
    for (const name of EVENTS) {
      source.addEventListener(name, ({ data }) => {
        this.#alive();
        this.#listener.heard(name, JSON.parse(data));
      });
    }
  }

  #alive() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.renew(), QUIET);
  }

  #break() {
    this.close();
    this.#listener.lost();
  }

  #fail() {
    this.#break();
    if (Date.now() - this.#connectedAt > STEADY) this.#failures = 0;
    this.#connectedAt = Infinity;
    // Spread out, so that a server that starts again does not meet all of its listeners at once.
    const wait = Math.min(LATEST, SOON * 2 ** this.#failures++) * (0.5 + Math.random());
    this.#timer = setTimeout(() => void this.#retry(), wait);
  }

  async #retry() {
    const turn = this.#turn;
    const goOn = await this.#listener.goOn().catch(() => null);
    if (turn !== this.#turn) return;
    if (goOn) this.#connect(true);
    else if (goOn === null) this.#fail();
  }
}
