declare global {
  namespace App {
    /** What an error page can say: an explanation whose title is Kit's `message`. */
    interface Error {
      message: string;
      detail: string;
      retry: boolean;
    }

    interface PageData {
      /** How wide the page is: as a list, as a form, or else as text. */
      width?: 'wide' | 'form';
    }

    /** What one page hands to the next without writing it into the address. */
    interface PageState {
      /** Whose address the sign-in page fills in. */
      email?: string;
    }
  }
}

export {};
