/** Copies text. If the browser refuses, as it does without HTTPS, the text is selected instead. */
export class Copying {
  copied = $state<'yes' | 'no' | null>(null);

  async copy(text: string, select: () => void) {
    this.copied = null;
    try {
      await navigator.clipboard.writeText(text);
      this.copied = 'yes';
    } catch {
      select();
      this.copied = 'no';
    }
  }
}
