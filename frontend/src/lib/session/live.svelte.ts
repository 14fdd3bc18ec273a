import { onExpiresIn } from '../api/client';
import { endsSession } from '../api/problem';
import { watchSession, type CurrentSession } from '../api/session';
import type { Policy, SecuritySettings } from '../api/settings';
import type { EventName } from './event-stream';
import { LiveChannel, type Ending, type Message } from './live-channel';

export type { Ending };

type ServerEvent =
  | { name: 'session.ended'; data: Ending }
  | { name: 'session.expiring'; data: { expiresIn: number } }
  | { name: 'policy.changed'; data: SecuritySettings }
  | { name: 'sessions.changed'; data: unknown };

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
 * The state of the session, as it changes. Nothing here counts as an access: listeners read with
 * `passive`, or a tab in the background would keep its session alive.
 */
export class Live {
  /** How the session of this page ended. The page stays, with what was being typed. */
  ended = $state.raw<Ending | null>(null);
  /**
   * Another member who signed in with this browser: the page is no longer of the one who opened it.
   */
  replacedBy = $state.raw<string | null>(null);
  /** When the session ends by itself, by this machine's clock. */
  endsAt = $state<number | null>(null);
  /** The policy in force, as far as was heard. */
  policy = $state.raw<Policy | null>(null);
  /** Whether events arrive, here or in the tab that leads. If not, a page may poll. */
  listening = $state(false);

  #who: { session: string; member: string } | null = null;
  #signedInAgain: () => Promise<void> = async () => {};
  /** While the person ends the session here, its end is no news, unless another was faster. */
  #leaving = false;
  #pendingEnd: Ending | null = null;

  readonly #sessions = new Listeners();
  readonly #policies = new Listeners<SecuritySettings>();
  readonly #returns = new Listeners();

  readonly #channel = new LiveChannel({
    onEvent: (name, data) => this.#onEvent(name, data),
    onMessage: (message) => this.#onMessage(message),
    check: () => this.#check(),
    onReturn: () => this.#onReturn(),
  });

  /**
   * Starts for a page of this session, and returns how to stop. `signedInAgain` is called when the
   * member has a new session, begun in this tab or in another.
   */
  start({ session, member, policy }: CurrentSession, signedInAgain: () => Promise<void>) {
    this.#who = { session: session.id, member: member.id };
    this.#signedInAgain = signedInAgain;
    this.policy = policy;
    this.ended = this.#pendingEnd = this.replacedBy = null;
    const close = this.#channel.open();
    this.#channel.say({ kind: 'signed-in', session: session.id });
    // Opening the page was an access, which may have moved the end.
    if (this.endsAt !== null) this.#tellEnd(this.endsAt);
    return () => {
      close();
      this.#who = this.endsAt = null;
    };
  }

  /**
   * Calls the listener whenever sessions or members may have changed, after a break too, and
   * returns how to stop it: `$effect(() => live.onSessionsChanged(look))`. The listener reads with
   * `passive`. A page in the background reads when it is seen again. Only those who see all
   * sessions hear of changes, at most once a second.
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

  /** Calls the listener with every save of the session configuration, one's own included. */
  onPolicyChanged(listener: (settings: SecuritySettings) => void) {
    return this.#policies.add(listener);
  }

  /** Calls the listener after a break. Events are not repeated, so it reads what is shown again. */
  onReturn(listener: () => void) {
    return this.#returns.add(listener);
  }

  /**
   * Handles a refusal that says that the session ended. It may be about an earlier session, so the
   * server is asked first.
   */
  refused(ending: Ending) {
    if (this.#who && !this.ended) void this.#check().catch(() => this.#end(ending));
  }

  /** Runs the task with which the person ends the session of this tab. */
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

  /** The person ended the session here and leaves the page. The other tabs are told. */
  signedOut(ending: Ending) {
    if (!this.#who) return;
    this.#channel.say({ kind: 'ended', session: this.#who.session, ending });
    this.#pendingEnd = this.#who = null;
  }

  /** The member signed in again here, or another did, with their own passkey. */
  async resume({ session, member }: Pick<CurrentSession, 'session' | 'member'>) {
    this.#channel.say({ kind: 'signed-in', session: session.id });
    if (this.#isStillOf(member)) await this.#goOnWith(session.id);
  }

  /** An answer of the server said how many seconds the session has left. */
  expiresIn(seconds: number) {
    const at = Date.now() + seconds * 1000;
    // Whole seconds tell no more than that.
    if (this.endsAt !== null && Math.abs(at - this.endsAt) < 1000) return;
    this.endsAt = at;
    this.#tellEnd(at);
  }

  #tellEnd(at: number) {
    if (this.#who) this.#channel.say({ kind: 'ends', session: this.#who.session, at });
  }

  #end({ code, detail, ended }: Ending) {
    if (!this.#who) return;
    const ending = { code, detail, ...(ended ? { ended } : {}) };
    this.#channel.silence();
    // The first to say it knows best: later answers may only say that there is no session.
    if (this.#leaving) this.#pendingEnd ??= ending;
    else this.ended ??= ending;
  }

  #onReturn() {
    if (this.replacedBy) return;
    this.#channel.rejoin();
    void this.#check().then(
      (alive) => alive && this.#readAgain(),
      () => {},
    );
  }

  #readAgain() {
    this.#returns.tell();
    this.#sessions.tell();
  }

  #onEvent(name: EventName, data: unknown) {
    if (!this.#who) return;
    this.#channel.say({ kind: 'event', session: this.#who.session, name, data });
    this.#apply({ name, data } as ServerEvent);
    // Another policy is another end of this session.
    if (name === 'policy.changed') void this.#check().catch(() => {});
  }

  #onMessage(message: Message) {
    const { kind } = message;
    if (kind === 'listening') {
      this.listening = message.on;
      if (message.on && message.afterBreak) this.#readAgain();
    } else if (kind === 'signed-in') {
      // The server knows which session this browser has: two tabs may have begun one each.
      if (message.session !== this.#who?.session) void this.#check().catch(() => {});
    } else if (message.session !== this.#who?.session) {
      return; // a session that this page no longer has, or does not have yet
    } else if (kind === 'event') {
      this.#apply({ name: message.name, data: message.data } as ServerEvent);
    } else if (kind === 'ended') {
      this.#end(message.ending);
    } else {
      this.endsAt = message.at;
    }
  }

  #apply({ name, data }: ServerEvent) {
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

  /**
   * Asks which session this browser has. Reports whether there is one that this page can go on
   * with.
   */
  async #check(): Promise<boolean> {
    const asked = this.#who?.session;
    try {
      const { session, member, policy } = await watchSession();
      if (!this.#who || !this.#isStillOf(member)) return false;
      this.policy = policy;
      if (session.id !== this.#who.session) await this.#goOnWith(session.id);
      return true;
    } catch (error) {
      if (!endsSession(error)) throw error;
      if (asked === this.#who?.session) this.#end(error.document);
      return false;
    }
  }

  /** Reports whether the page is of the member who has this browser's session now. */
  #isStillOf({ id, name }: CurrentSession['member']): boolean {
    if (!this.#who || id === this.#who.member) return true;
    this.replacedBy = name;
    this.#channel.leave();
    return false;
  }

  async #goOnWith(session: string) {
    if (!this.#who) return;
    this.#who.session = session;
    this.ended = this.#pendingEnd = this.endsAt = null;
    this.#channel.listen();
    await this.#signedInAgain();
    this.#readAgain();
  }
}

export const live = new Live();

onExpiresIn((seconds) => live.expiresIn(seconds));
