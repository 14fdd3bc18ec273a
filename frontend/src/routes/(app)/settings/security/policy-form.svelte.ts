import { Problem, SessionOver } from '$lib/api/problem';
import {
  putSecuritySettings,
  type Length,
  type Policy,
  type SecuritySettings,
  type Unit,
} from '$lib/api/settings';
import { lengthError, overMaximum, readNumber, samePolicy } from '$lib/text/policy';

/** A length as it is typed, valid or not. */
interface LengthDraft {
  value: string;
  unit: Unit;
}

interface Draft extends LengthDraft {
  refreshAutomatically: boolean;
  /** Whether there is a maximum lifetime. If not, what was typed of one stays. */
  limited: boolean;
  maximum: LengthDraft;
}

/** The session configuration as it is being edited, next to the one in force. */
export class PolicyForm {
  /** In force, by the server's last answer. */
  settings = $state.raw() as SecuritySettings;
  draft = $state() as Draft;

  status = $state<'editing' | 'saving' | 'saved' | 'unchanged'>('editing');
  /** Why the draft was not saved. The draft stays in the form. */
  error = $state.raw<unknown>(null);
  /** What another admin saved, until the person decides whose to keep. */
  theirs = $state.raw<SecuritySettings | null>(null);
  /** What another admin saved, after the form took it, until something is edited. */
  updatedElsewhere = $state.raw<SecuritySettings | null>(null);
  /** Whether saving waits for a fresh proof of identity. */
  proofRequired = $state(false);
  /** Whether the draft is complete enough to show what is wrong with it. */
  showErrors = $state(false);

  /** Counts edits, to notice those during a save. */
  #edits = 0;
  /** What arrived during a save: it may be that very save. */
  #pendingUpdate: SecuritySettings | null = null;

  constructor(settings: SecuritySettings) {
    this.settings = settings;
    this.draft = draftOf(settings);
  }

  readonly #lengthError = $derived(errorOf(this.draft));
  readonly #maximumError = $derived(this.draft.limited ? errorOf(this.draft.maximum) : undefined);

  /** What is wrong with the length, by our own limits or by the server's answer. */
  readonly lengthError = $derived.by(() => {
    const ours = this.showErrors ? (this.#lengthError ?? this.#overMaximum) : undefined;
    return ours ?? this.#serverError('sessionLength');
  });

  /** The same of the maximum lifetime. */
  readonly maximumError = $derived.by(() => {
    return (
      (this.showErrors ? this.#maximumError : undefined) ?? this.#serverError('maximumLifetime')
    );
  });

  /** The draft as a policy, or null while a length is not valid. */
  readonly #entered = $derived.by((): Policy | null => {
    const { refreshAutomatically, limited, maximum } = this.draft;
    if (this.#lengthError || this.#maximumError) return null;
    return {
      sessionLength: lengthOf(this.draft),
      refreshAutomatically,
      maximumLifetime: limited ? lengthOf(maximum) : null,
    };
  });

  readonly #overMaximum = $derived(this.#entered ? overMaximum(this.#entered) : undefined);

  /** The policy that saving would put in force, or null while the draft cannot be saved. */
  readonly policy = $derived(this.#overMaximum ? null : this.#entered);

  readonly changed = $derived.by(() => !this.#entered || !samePolicy(this.#entered, this.settings));

  /** Called whenever the person changes something. It clears what was said about the last save. */
  edited() {
    this.#edits++;
    this.error = null;
    this.updatedElsewhere = null;
    if (this.status !== 'saving') this.status = 'editing';
  }

  async save(): Promise<void> {
    if (this.status === 'saving') return;
    this.showErrors = true;
    if (!this.policy) return;
    if (!this.changed) {
      this.status = 'unchanged';
      return;
    }
    this.status = 'saving';
    this.error = null;
    this.theirs = this.updatedElsewhere = null;
    this.proofRequired = false;
    const edits = this.#edits;
    try {
      const saved = await putSecuritySettings(this.policy, this.settings.version);
      if (edits === this.#edits) {
        this.#accept(saved);
        this.status = 'saved';
      } else {
        this.settings = saved;
        this.status = 'editing';
      }
    } catch (error) {
      this.status = 'editing';
      const current = error instanceof Problem ? error.document.current : undefined;
      if (current && samePolicy(current, this.settings)) {
        this.settings = current;
        return this.save();
      }
      this.#refused(error);
    }
    if (this.#pendingUpdate) this.receive(this.#pendingUpdate);
    this.#pendingUpdate = null;
  }

  /**
   * Another admin saved. A form without changes takes it. Otherwise the edits stay, and the person
   * decides whose to keep.
   */
  receive(settings: SecuritySettings) {
    if (this.status === 'saving') {
      this.#pendingUpdate = settings;
      return;
    }
    if (settings.version <= Math.max(this.settings.version, this.theirs?.version ?? 0)) return;
    if (!this.theirs && samePolicy(settings, this.settings)) {
      this.settings = settings; // Only the guidelines that apply have changed.
      return;
    }
    if (this.changed && !(this.policy && samePolicy(this.policy, settings))) {
      this.theirs = settings;
      return;
    }
    this.theirs = null;
    this.#accept(settings);
    this.edited();
    this.updatedElsewhere = settings;
  }

  /** Replaces the draft with their configuration. */
  useTheirs() {
    if (this.theirs) this.#accept(this.theirs);
    this.theirs = null;
  }

  /** Keeps the draft, now as a change to their configuration. It still has to be saved. */
  keepMine() {
    if (this.theirs) this.settings = this.theirs;
    this.theirs = null;
  }

  /** Replaces the draft with the policy. It still has to be saved. */
  fill(policy: Policy) {
    this.draft = draftOf(policy);
    this.showErrors = false;
    this.edited();
  }

  /** Goes on with a draft of before. */
  resume(draft: Draft) {
    this.draft = draft;
    this.edited();
  }

  discard() {
    this.#accept(this.theirs ?? this.settings);
    this.theirs = null;
    this.edited();
  }

  #accept(settings: SecuritySettings) {
    this.settings = settings;
    this.draft = draftOf(settings);
    this.showErrors = false;
  }

  #serverError(field: string): string | undefined {
    return this.error instanceof Problem
      ? (this.error.at(`${field}.value`) ?? this.error.at(`${field}.unit`) ?? this.error.at(field))
      : undefined;
  }

  #refused(error: unknown) {
    if (error instanceof Problem && error.document.current) {
      this.theirs = error.document.current;
    } else if (error instanceof Problem && error.code === 'reauthentication_required') {
      this.proofRequired = true;
    } else if (!(error instanceof SessionOver)) {
      this.error = error;
    }
  }
}

/** The first value of a new maximum lifetime. */
const MAXIMUM: Length = { value: 30, unit: 'days' };

function draftOf({ sessionLength, refreshAutomatically, maximumLifetime }: Policy): Draft {
  return {
    ...typed(sessionLength),
    refreshAutomatically,
    limited: maximumLifetime !== null,
    maximum: typed(maximumLifetime ?? MAXIMUM),
  };
}

const typed = ({ value, unit }: Length): LengthDraft => ({ value: String(value), unit });

const errorOf = ({ value, unit }: LengthDraft) => lengthError(readNumber(value), unit);

/** The length of a valid draft. */
const lengthOf = ({ value, unit }: LengthDraft): Length => ({
  value: Number(readNumber(value)),
  unit,
});
