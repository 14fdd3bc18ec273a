import { Problem } from '$lib/api/problem';
import { putSecuritySettings, type Policy, type SecuritySettings } from '$lib/api/settings';
import { lengthError } from '$lib/policy';

/** A session length as it is being typed: nothing, for as long as the field is empty. */
interface Draft {
  value: number | null;
  unit: Policy['sessionLength']['unit'];
  refreshAutomatically: boolean;
}

/** The session configuration as it is being edited, beside the one that it was read from. */
export class PolicyForm {
  /** In force, as far as we know: the server's last answer. */
  settings = $state.raw() as SecuritySettings;
  draft = $state() as Draft;

  status = $state<'editing' | 'saving' | 'saved'>('editing');
  /** Why the draft was not saved. It stays in the form whatever that is. */
  error = $state.raw<unknown>(null);
  /** What somebody else saved meanwhile, until it was decided whose to keep. */
  theirs = $state.raw<SecuritySettings | null>(null);
  /** Whether saving waits for a fresh proof of identity. */
  proofRequired = $state(false);
  /** Whether the draft is complete enough to be judged aloud. */
  judged = $state(false);

  /** Tells whether the draft was edited while it was being saved. */
  #edits = 0;

  constructor(settings: SecuritySettings) {
    this.settings = settings;
    this.draft = draftOf(settings);
  }

  readonly changed = $derived.by(() => {
    const { sessionLength, refreshAutomatically } = this.settings;
    return (
      this.draft.value !== sessionLength.value ||
      this.draft.unit !== sessionLength.unit ||
      this.draft.refreshAutomatically !== refreshAutomatically
    );
  });

  readonly #lengthError = $derived(lengthError(this.draft.value, this.draft.unit));

  /** What is wrong with the length: by our own limits, or else by the server's word. */
  readonly lengthError = $derived.by(() => {
    if (this.judged && this.#lengthError) return this.#lengthError;
    return this.error instanceof Problem
      ? (this.error.at('sessionLength.value') ??
          this.error.at('sessionLength.unit') ??
          this.error.at('sessionLength'))
      : undefined;
  });

  /** The policy that saving would put in force; nothing while the length is not one. */
  readonly policy = $derived.by((): Policy | null =>
    this.#lengthError
      ? null
      : {
          sessionLength: { value: this.draft.value as number, unit: this.draft.unit },
          refreshAutomatically: this.draft.refreshAutomatically,
          // This form does not edit it, and must not lose it.
          maximumLifetime: this.settings.maximumLifetime,
        },
  );

  /** To be called whenever the person changes something: what was said of the last attempt is over. */
  edited() {
    this.#edits++;
    this.error = null;
    if (this.status === 'saved') this.status = 'editing';
  }

  async save() {
    if (this.status === 'saving') return;
    this.judged = true;
    if (!this.policy) return;
    this.status = 'saving';
    this.error = null;
    this.theirs = null;
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

  discard() {
    this.#adopt(this.settings);
    this.edited();
  }

  #adopt(settings: SecuritySettings) {
    this.settings = settings;
    this.draft = draftOf(settings);
    this.judged = false;
  }

  #refused(error: unknown) {
    if (error instanceof Problem && error.document.current) {
      this.theirs = error.document.current;
    } else if (error instanceof Problem && error.code === 'reauthentication_required') {
      this.proofRequired = true;
    } else {
      this.error = error;
    }
  }
}

function draftOf({ sessionLength, refreshAutomatically }: SecuritySettings): Draft {
  return { ...sessionLength, refreshAutomatically };
}
