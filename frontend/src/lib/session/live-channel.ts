import type { ProblemDocument } from '../api/problem';
import { EventStream, type EventName } from './event-stream';
import { Tabs } from './tabs';

/** How a session ended, as far as the server said. */
export type Ending = Pick<ProblemDocument, 'code' | 'detail' | 'ended'>;

/** What the tabs of one browser tell each other. */
export type Message =
  | { kind: 'event'; session: string; name: EventName; data: unknown }
  | { kind: 'ended'; session: string; ending: Ending }
  | { kind: 'ends'; session: string; at: number }
  | { kind: 'signed-in'; session: string }
  | { kind: 'listening'; on: boolean; afterBreak: boolean };

interface Page {
  /** The server sent an event to this tab. */
  onEvent: (name: EventName, data: unknown) => void;
  /** Another tab said something. Whether events arrive comes from this tab, too. */
  onMessage: (message: Message) => void;
  /** Reports whether there is a session to listen for. It throws if the server cannot be asked. */
  check: () => Promise<boolean>;
  /** The back button brought the page back, with what it showed when it was left. */
  onReturn: () => void;
}

/**
 * How often to look whether the machine slept, and how late such a look must be to mean that it
 * did, in milliseconds.
 */
const LOOK = 15_000;
const SLEPT = 90_000;

/** Carries live events: from the server to one tab, and from there to the others. */
export class LiveChannel {
  readonly #page: Page;
  #listening = false;
  /** Whether there is no session to listen for. */
  #silent = false;
  /** Whether another tab listened for this one. */
  #followed = false;

  readonly #stream: EventStream;
  readonly #tabs: Tabs<Message>;

  constructor(page: Page) {
    this.#page = page;
    this.#stream = new EventStream({
      onEvent: page.onEvent,
      onConnect: (afterBreak) => this.#announce(true, afterBreak),
      onLoss: () => this.#announce(false),
      check: page.check,
    });
    this.#tabs = new Tabs<Message>({
      onMessage: (message) => {
        if (message.kind === 'listening') this.#followed = true;
        page.onMessage(message);
      },
      lead: () => {
        // Between two tabs that lead, events are lost as in a break.
        if (!this.#silent) this.#stream.open(this.#followed);
        this.#followed = false;
        return () => this.#stream.close();
      },
      greeting: () => ({ kind: 'listening', on: this.#listening, afterBreak: false }),
    });
  }

  /** Joins the other tabs, and returns how to leave them for good. */
  open(): () => void {
    this.#silent = false;
    this.#tabs.join();
    let looked = Date.now();
    const look = () => {
      const slept = Date.now() - looked > SLEPT;
      looked = Date.now();
      if (slept) this.#reconnect();
    };
    const timer = setInterval(look, LOOK);
    const until = new AbortController();
    const { signal } = until;
    window.addEventListener('online', () => this.#reconnect(), { signal });
    window.addEventListener('pagehide', () => this.leave(), { signal });
    window.addEventListener(
      'pageshow',
      ({ persisted }) => {
        if (persisted) this.#page.onReturn();
      },
      { signal },
    );
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState !== 'visible') return;
        look();
        this.#tabs.wake();
      },
      { signal },
    );
    return () => {
      clearInterval(timer);
      until.abort();
      this.leave();
    };
  }

  /** Joins the other tabs again. */
  rejoin() {
    this.#tabs.join();
  }

  leave() {
    this.#tabs.leave();
    this.#setListening(false);
  }

  say(message: Message) {
    this.#tabs.say(message);
  }

  /** Listens for a new session. */
  listen() {
    this.#silent = false;
    if (this.#tabs.leads) this.#stream.open();
  }

  /** Stops listening, because the session ended. */
  silence() {
    this.#silent = true;
    this.#stream.close();
    this.#setListening(false);
  }

  #reconnect() {
    if (this.#tabs.leads && !this.#silent) this.#stream.reconnect();
  }

  #announce(on: boolean, afterBreak = false) {
    this.say({ kind: 'listening', on, afterBreak });
    this.#setListening(on, afterBreak);
  }

  #setListening(on: boolean, afterBreak = false) {
    this.#listening = on;
    this.#page.onMessage({ kind: 'listening', on, afterBreak });
  }
}
