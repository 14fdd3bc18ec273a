import type { Page } from '@playwright/test';
import type { Server } from '../server';

/** A page or one of its main states, and how to reach it. */
export interface State {
  name: string;
  enter: (page: Page, server: Server) => Promise<void>;
}
