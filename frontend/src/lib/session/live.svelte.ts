import { onExpiresIn } from '../api/client';
import { endsSession, type ProblemDocument } from '../api/problem';
import { watchSession, type CurrentSession } from '../api/session';
import type { Policy, SecuritySettings } from '../api/settings';
import { EventStream, type EventName } from './live-stream';
import { Tabs } from './live-tabs';

/** How a session ended, as far as anybody can tell. */
export type Ending = Pick<ProblemDocument, 'code' | 'detail' | 'ended'>;

/** What the tabs of one browser tell each other. */
type News =
  | { kind: 'event'; session: string; name: EventName; data: unknown }
  | { kind: 'ended'; session: string; ending: Ending }
  | { kind: 'ends'; session: string; at: number }
  | { kind: 'signed-in'; session: string }
  | { kind: 'listening'; on: boolean; afterBreak: boolean };

type Happening =
  | { name: 'session.ended'; data: Ending }
  | { name: 'session.expiring'; data: { expiresIn: number } }
  | { name: 'policy.changed'; data: SecuritySettings }
  | { name: 'sessions.changed'; data: unknown };

/** How often to look whether the machine slept, and how late such a look must be to mean that it did, in milliseconds. */
const LOOK = 15_000;
const SLEPT = 90_000;

class Listeners<T = void> {
  readonly #all = new Set<(told: T) => void>();

  add(listener: (told: T) => void): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  tell(told: T) {
    for (const listener of this.#all) listener(told);
  }
}

/**
 * What happens to the session and to what a page shows, as it happens. Nothing here counts as an access: whoever reads anew because of it
 * says so (`passive` in the client), or a tab that nobody looks at would keep its session alive.
 */
export class Live {
  /** How the session of this page ended. The page stays, and what was being typed with it. */
  ended = $state.raw<Ending | null>(null);
  /** Who else signed in with this browser meanwhile: the page is no longer theirs who opened it. */
  replacedBy = $state.raw<string | null>(null);
  /** When the session ends by itself, by this machine's clock. */
  endsAt = $state<number | null>(null);
  /** In force, as far as was heard. */
  policy = $state.raw<Policy | null>(null);
  /** Whether events arrive, here or in the tab that listens for all. Without, a page may ask now and then. */
  listening = $state(false);

  #who: { session: string; member: string } | null = null;
  #signedInAgain: () => Promise<void> = async () => {};
  /** While the person ends the session here, that it ended is no news; unless they fail, and it ended by another hand. */
  #leaving = false;
  #pendingEnd: Ending | null = null;
  /** Whether another tab listened for this one. */
  #followed = false;

  readonly #sessions = new Listeners();
  readonly #policies = new Listeners<SecuritySettings>();
  readonly #returns = new Listeners();

  readonly #stream = new EventStream({
    heard: (name, data) => this.#heard(name, data),
    connected: (afterBreak) => this.#tellListening(true, afterBreak),
    lost: () => this.#tellListening(false),
    goOn: () => this.#check(),
  });

  readonly #tabs = new Tabs<News>({
    hear: (news) => this.#hear(news),
    lead: () => {
      // Between two that lead, events are lost as in a break.
      if (!this.ended) this.#stream.open(this.#followed);
      this.#followed = false;
      return () => this.#stream.close();
    },
    greeting: () => ({ kind: 'listening', on: this.listening, afterBreak: false }),
  });

  /**
   * Begins, for a page of this session, and returns how to stop. `signedInAgain` is called when the member has a new session, begun in
   * this tab or in another.
   */
  start({ session, member, policy }: CurrentSession, signedInAgain: () => Promise<void>) {
    this.#who = { session: session.id, member: member.id };
    this.#signedInAgain = signedInAgain;
    this.policy = policy;
    this.ended = this.#pendingEnd = this.replacedBy = null;
    this.#tabs.join();
    this.#tabs.say({ kind: 'signed-in', session: session.id });
    // Opening the page was an access, which may have moved the end.
    if (this.endsAt !== null) this.#tellEnd(this.endsAt);

    let looked = Date.now();
    const look = () => {
      const slept = Date.now() - looked > SLEPT;
      looked = Date.now();
      if (slept) this.#renew();
    };
    const seen = () => {
      if (document.visibilityState !== 'visible') return;
      look();
      this.#tabs.wake();
    };
    const timer = setInterval(look, LOOK);
    const online = () => this.#renew();
    const hidden = () => {
      this.#tabs.leave();
      this.listening = false;
    };
    const shown = ({ persisted }: PageTransitionEvent) => {
      if (persisted) this.#return();
    };
    window.addEventListener('online', online);
    window.addEventListener('pagehide', hidden);
    window.addEventListener('pageshow', shown);
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearInterval(timer);
      window.removeEventListener('online', online);
      window.removeEventListener('pagehide', hidden);
      window.removeEventListener('pageshow', shown);
      document.removeEventListener('visibilitychange', seen);
      this.#stop();
    };
  }

  /**
   * Calls the listener whenever sessions or members may have changed, after a break too, and returns
   * how to stop it: `$effect(() => live.onSessionsChanged(look))`. The listener reads with `passive`.
   * A page in the background reads when it is seen again. Only those who see all sessions hear of
   * changes, at most once a second.
   */
  onSessionsChanged(listener: () => void) {
    const look = () => {
      if (!document.hidden && !this.ended) listener();
    };
    const stop = this.#sessions.add(look);
    document.addEventListener('visibilitychange', look);
    return () => {
      stop();
      document.removeEventListener('visibilitychange', look);
    };
  }

  /** Has the listener told of every save of the session configuration, one's own included. */
  onPolicyChanged(listener: (settings: SecuritySettings) => void) {
    return this.#policies.add(listener);
  }

  /** Has the listener called after a break: events of the meantime are not repeated, so what is shown has to be read anew. */
  onReturn(listener: () => void) {
    return this.#returns.add(listener);
  }

  /**
   * A request was refused because the session ended, as the refusal says. Tells whether there is a page to say it over. It may be about
   * a session before this one, so the server is asked whether it holds.
   */
  refused(ending: Ending): boolean {
    if (!this.#who) return false;
    if (!this.ended) void this.#check().catch(() => this.#end(ending));
    return true;
  }

  /** Runs what ends the session by the will of the person before this tab. */
  async ending<T>(task: () => Promise<T>): Promise<T> {
    this.#leaving = true;
    try {
      return await task();
    } finally {
      this.#leaving = false;
      if (this.#pendingEnd) this.#end(this.#pendingEnd);
      this.#pendingEnd = null;
    }
  }

  /** The person ended the session here and leaves the page. The other tabs say so. */
  depart(ending: Ending) {
    if (!this.#who) return;
    this.#tabs.say({ kind: 'ended', session: this.#who.session, ending });
    this.#pendingEnd = this.#who = null;
  }

  /** The member signed in again here; or somebody else did, whose passkey it was. */
  async resume({ session, member }: Pick<CurrentSession, 'session' | 'member'>) {
    this.#tabs.say({ kind: 'signed-in', session: session.id });
    if (this.#isStillOf(member)) await this.#take(session.id);
  }

  /** An answer of the server said how long the session has left. */
  expiresIn(seconds: number) {
    const at = Date.now() + seconds * 1000;
    // Whole seconds tell no more than that.
    if (this.endsAt !== null && Math.abs(at - this.endsAt) < 1000) return;
    this.endsAt = at;
    this.#tellEnd(at);
  }

  #tellEnd(at: number) {
    if (this.#who) this.#tabs.say({ kind: 'ends', session: this.#who.session, at });
  }

  #end({ code, detail, ended }: Ending) {
    if (!this.#who) return;
    const ending = { code, detail, ...(ended ? { ended } : {}) };
    this.listening = false;
    this.#stream.close();
    // What came first knows best: whoever asks after that may be told only that nobody is signed in.
    if (this.#leaving) this.#pendingEnd ??= ending;
    else this.ended ??= ending;
  }

  #stop() {
    this.#tabs.leave();
    this.#who = null;
    this.endsAt = null;
    this.listening = false;
  }

  /** The back button brought the page back, with what it showed when it was left. */
  #return() {
    if (this.replacedBy) return;
    this.#tabs.join();
    void this.#check().then(
      (goesOn) => goesOn && this.#readAnew(),
      () => {},
    );
  }

  #renew() {
    if (this.#tabs.leads && !this.ended) this.#stream.renew();
  }

  #tellListening(on: boolean, afterBreak = false) {
    this.#tabs.say({ kind: 'listening', on, afterBreak });
    this.#setListening(on, afterBreak);
  }

  #setListening(on: boolean, afterBreak: boolean) {
    this.listening = on;
    if (on && afterBreak) this.#readAnew();
  }

  #readAnew() {
    this.#returns.tell();
    this.#sessions.tell();
  }

  #heard(name: EventName, data: unknown) {
    if (!this.#who) return;
    this.#tabs.say({ kind: 'event', session: this.#who.session, name, data });
    this.#happened({ name, data } as Happening);
    // Another policy is another end of this session.
    if (name === 'policy.changed') void this.#check().catch(() => {});
  }

  #hear(news: News) {
    const { kind } = news;
    if (kind === 'listening') {
      this.#followed = true;
      this.#setListening(news.on, news.afterBreak);
    } else if (kind === 'signed-in') {
      // Which session this browser has, the server knows best: two tabs may have begun one each.
      if (news.session !== this.#who?.session) void this.#check().catch(() => {});
    } else if (news.session !== this.#who?.session) {
      return; // a session that this page has no longer, or not yet
    } else if (kind === 'event') {
      this.#happened({ name: news.name, data: news.data } as Happening);
    } else if (kind === 'ended') {
      this.#end(news.ending);
    } else {
      this.endsAt = news.at;
    }
  }

  #happened({ name, data }: Happening) {
    switch (name) {
      case 'session.ended':
        this.#end(data);
        break;
      case 'session.expiring':
        this.endsAt = Date.now() + data.expiresIn * 1000;
        break;
      case 'policy.changed':
        this.policy = data;
        this.#policies.tell(data);
        break;
      case 'sessions.changed':
        this.#sessions.tell();
        break;
    }
  }

  /** Asks which session this browser has now. Tells whether there is one that this page can go on with. */
  async #check(): Promise<boolean> {
    const asked = this.#who?.session;
    try {
      const { session, member, policy } = await watchSession();
      if (!this.#who) return false;
      if (!this.#isStillOf(member)) return false;
      this.policy = policy;
      if (session.id !== this.#who.session) await this.#take(session.id);
      return true;
    } catch (error) {
      if (!endsSession(error)) throw error;
      if (asked === this.#who?.session) this.#end(error.document);
      return false;
    }
  }

  /** Tells whether the page is of that member, who has this browser's session now. */
  #isStillOf({ id, name }: CurrentSession['member']): boolean {
    if (!this.#who || id === this.#who.member) return true;
    this.replacedBy = name;
    this.#tabs.leave();
    return false;
  }

  async #take(session: string) {
    if (!this.#who) return;
    this.#who.session = session;
    this.ended = this.#pendingEnd = this.endsAt = null;
    if (this.#tabs.leads) this.#stream.open();
    await this.#signedInAgain();
    this.#readAnew();
  }
}

export const live = new Live();

onExpiresIn((seconds) => live.expiresIn(seconds));
