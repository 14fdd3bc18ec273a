import type {
  FullResult,
  Reporter,
  TestCase,
  TestError,
  TestResult,
} from '@playwright/test/reporter';

/**
 * Prints what the measurements print, and why one failed. There is no log of tests.
 */
export default class OnlyWhatIsPrinted implements Reporter {
  onStdOut(chunk: string | Buffer) {
    process.stdout.write(chunk);
  }

  onStdErr(chunk: string | Buffer) {
    process.stderr.write(chunk);
  }

  onTestEnd(test: TestCase, { errors }: TestResult) {
    for (const error of errors) this.onError(error);
  }

  onError({ stack, message }: TestError) {
    process.stderr.write(`${stack ?? message ?? 'failed for no reason told'}\n`);
  }

  onEnd({ status }: FullResult) {
    if (status !== 'passed') process.stderr.write(`measuring ${status}\n`);
  }

  printsToStdio() {
    return true;
  }
}
