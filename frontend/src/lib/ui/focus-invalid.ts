import { tick } from 'svelte';

/** Moves the focus to the first field of the form that was refused, if any was. */
export async function focusInvalid(form: HTMLFormElement | undefined) {
  await tick();
  form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
