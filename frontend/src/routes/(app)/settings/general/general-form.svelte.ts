import { Problem } from '$lib/api/problem';
import { putGeneralSettings, watchGeneralSettings, type General } from '$lib/api/settings';
import { Action } from '$lib/ui/action.svelte';

/** The organization's name and help contact as they are being edited. */
export class GeneralForm {
  /** In force, by the server's last answer. */
  settings = $state.raw() as General;
  name = $state('');
  helpContact = $state('');
  /** What was done, in words. */
  done = $state('');
  /** What another admin saved, until the person decides. */
  theirs = $state.raw<General | null>(null);

  readonly saving = new Action();
  readonly changed = $derived.by(() => {
    const { name, helpContact = '' } = this.settings;
    return this.name.trim() !== name || this.helpContact.trim() !== helpContact;
  });

  constructor(settings: General) {
    this.#accept(settings);
  }

  /** Called whenever the person changes something. */
  edited() {
    this.done = '';
    this.saving.error = null;
  }

  save() {
    return this.saving.run(async () => {
      this.done = '';
      if (!this.changed) {
        this.done = 'No changes to save';
        return;
      }
      // Another admin's save is replaced only after the person has seen it.
      const { tag } = this.theirs ?? this.settings;
      this.theirs = null;
      try {
        this.#accept(await putGeneralSettings(tag, this.name.trim(), this.helpContact.trim()));
        this.done = 'Saved';
      } catch (error) {
        if (!(error instanceof Problem && error.status === 412)) throw error;
        this.theirs = await watchGeneralSettings();
      }
    });
  }

  /** Takes what the server has, unless the person has typed something else. */
  receive(settings: General) {
    if (this.saving.busy) return;
    if (settings.tag === this.settings.tag) {
      this.settings = settings; // another logo, perhaps
    } else if (this.changed) {
      this.theirs = settings;
    } else {
      this.#accept(settings);
    }
  }

  useTheirs() {
    if (this.theirs) this.#accept(this.theirs);
    this.edited();
  }

  #accept(settings: General) {
    this.settings = settings;
    this.name = settings.name;
    this.helpContact = settings.helpContact ?? '';
    this.theirs = null;
  }
}
