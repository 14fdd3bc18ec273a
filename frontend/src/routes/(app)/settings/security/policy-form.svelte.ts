import { Problem, SessionOver } from '$lib/api/problem';
import {
  putSecuritySettings,
  type Length,
  type Policy,
  type SecuritySettings,
  type Unit,
} from '$lib/api/settings';
import { lengthError, overMaximum, readNumber, samePolicy } from '$lib/text/policy';

/** A length as it is being typed, whatever that is. */
interface LengthDraft {
  value: string;
  unit: Unit;
}

interface Draft extends LengthDraft {
  refreshAutomatically: boolean;
  /** Whether there is a maximum lifetime. What was typed of one stays, so that it can be had again. */
  limited: boolean;
  maximum: LengthDraft;
}

/** The session configuration as it is being edited, beside the one that it was read from. */
export class PolicyForm {
  /** In force, as far as we know: the server's last answer. */
  settings = $state.raw() as SecuritySettings;
  draft = $state() as Draft;

  status = $state<'editing' | 'saving' | 'saved' | 'unchanged'>('editing');
  /** Why the draft was not saved. It stays in the form whatever that is. */
  error = $state.raw<unknown>(null);
  /** What somebody else saved meanwhile, until it was decided whose to keep. */
  theirs = $state.raw<SecuritySettings | null>(null);
  /** What somebody else saved, when the form took it over, until something is edited. */
  updatedElsewhere = $state.raw<SecuritySettings | null>(null);
  /** Whether saving waits for a fresh proof of identity. */
  proofRequired = $state(false);
  /** Whether the draft is complete enough to show what is wrong with it. */
  showErrors = $state(false);

  /** Tells whether the draft was edited while it was being saved. */
  #edits = 0;
  /** What was heard while the draft was being saved: it may be that very save. */
  #pendingUpdate: SecuritySettings | null = null;

  constructor(settings: SecuritySettings) {
    this.settings = settings;
    this.draft = draftOf(settings);
  }

  readonly #lengthError = $derived(errorOf(this.draft));
  readonly #maximumError = $derived(this.draft.limited ? errorOf(this.draft.maximum) : undefined);

  /** What is wrong with the length: by our own limits, or else by the server's word. */
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

  /** What the draft says; nothing while a length is not one. */
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

  /** The policy that saving would put in force; nothing while the draft cannot be saved. */
  readonly policy = $derived(this.#overMaximum ? null : this.#entered);

  readonly changed = $derived.by(() => !this.#entered || !samePolicy(this.#entered, this.settings));

  /** To be called whenever the person changes something: what was said of the last attempt is over. */
  edited() {
    this.#edits++;
    this.error = null;
    this.updatedElsewhere = null;
    if (this.status !== 'saving') this.status = 'editing';
  }

  async save() {
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
        this.#adopt(saved);
        this.status = 'saved';
      } else {
        this.settings = saved;
        this.status = 'editing';
      }
    } catch (error) {
      this.status = 'editing';
      this.#refused(error);
    }
    if (this.#pendingUpdate) this.hear(this.#pendingUpdate);
    this.#pendingUpdate = null;
  }

  /** Somebody saved. A form without changes takes it over; what is being edited stays, and it is to be decided whose to keep. */
  hear(settings: SecuritySettings) {
    if (this.status === 'saving') {
      this.#pendingUpdate = settings;
      return;
    }
    if (settings.version <= Math.max(this.settings.version, this.theirs?.version ?? 0)) return;
    if (this.changed && !(this.policy && samePolicy(this.policy, settings))) {
      this.theirs = settings;
      return;
    }
    this.theirs = null;
    this.#adopt(settings);
    this.edited();
    this.updatedElsewhere = settings;
  }

  /** Their configuration takes the draft's place. */
  useTheirs() {
    if (this.theirs) this.#adopt(this.theirs);
    this.theirs = null;
  }

  /** The draft stays, now as a change to their configuration, and still has to be saved. */
  keepMine() {
    if (this.theirs) this.settings = this.theirs;
    this.theirs = null;
  }

  /** The policy takes the draft's place, and still has to be saved. */
  fill(policy: Policy) {
    this.draft = draftOf(policy);
    this.showErrors = false;
    this.edited();
  }

  discard() {
    this.#adopt(this.theirs ?? this.settings);
    this.theirs = null;
    this.edited();
  }

  #adopt(settings: SecuritySettings) {
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

/** What a maximum lifetime starts from, where there is none yet. */
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

/** The length that was typed, of which nothing is wrong. */
const lengthOf = ({ value, unit }: LengthDraft): Length => ({
  value: Number(readNumber(value)),
  unit,
});
