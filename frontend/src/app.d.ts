declare global {
  namespace App {
    /** What an error page can say: an explanation whose title is Kit's `message`. */
    interface Error {
      message: string;
      detail: string;
      retry: boolean;
    }
  }
}

export {};
