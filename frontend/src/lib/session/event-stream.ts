/** The events of the server, by the names that `GET /api/events` gives them. */
export const EVENTS = [
  'session.ended',
  'session.expiring',
  'policy.changed',
  'sessions.changed',
] as const;

export type EventName = (typeof EVENTS)[number];

interface Listener {
  onEvent: (name: EventName, data: unknown) => void;
  /** The connection is open. Events may have been missed in a break. */
  onConnect: (afterBreak: boolean) => void;
  onLoss: () => void;
  /**
   * Called after every break: reports whether to connect again, and throws if the server cannot be
   * asked. An EventSource does not tell why it was refused, be it that the token has expired or
   * that the session has ended.
   */
  check: () => Promise<boolean>;
}

/** The first and the longest wait before connecting again, in milliseconds. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/**
 * How long a connection must be open to count as a success, in milliseconds. The backoff starts
 * again after that.
 */
const STEADY = 10_000;

/**
 * A connection that is quiet for longer is dead, in milliseconds: the server beats every 20
 * seconds.
 */
const QUIET = 50_000;

/** A stream of events that connects again after a break. */
export class EventStream {
  readonly #listener: Listener;
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #connectedAt = Infinity;
  /** Counts openings and breaks: a check that was begun before the last of them is dropped. */
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

  /** Connects again at once: the connection may be dead without a sign of it. */
  reconnect() {
    this.#break();
    this.#failures = 0;
    void this.#retry();
  }

  #connect(afterBreak: boolean) {
    const source = (this.#source = new EventSource('/api/events'));
    source.onopen = () => {
      this.#connectedAt = Date.now();
      this.#alive();
      this.#listener.onConnect(afterBreak);
    };
    source.onerror = () => this.#fail();
    source.addEventListener('beat', () => this.#alive());
    for (const name of EVENTS) {
      source.addEventListener(name, ({ data }) => {
        this.#alive();
        this.#listener.onEvent(name, JSON.parse(data));
      });
    }
  }

  #alive() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.reconnect(), QUIET);
  }

  #break() {
    this.close();
    this.#listener.onLoss();
  }

  #fail() {
    this.#break();
    if (Date.now() - this.#connectedAt > STEADY) this.#failures = 0;
    this.#connectedAt = Infinity;
    // Jitter, so that a server that starts again does not meet all listeners at once.
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++) * (0.5 + Math.random());
    this.#timer = setTimeout(() => void this.#retry(), wait);
  }

  async #retry() {
    const turn = this.#turn;
    const alive = await this.#listener.check().catch(() => null);
    if (turn !== this.#turn) return;
    if (alive) this.#connect(true);
    else if (alive === null) this.#fail();
  }
}
