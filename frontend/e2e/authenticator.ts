import { createHmac } from 'node:crypto';

const STEP = 30_000;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** What an authenticator app shows (RFC 6238). */
export class Authenticator {
  readonly #seed: Buffer;

  /** The secret as it is typed into the app. */
  constructor(secret: string) {
    const bits = [...secret.replaceAll(' ', '')].map((letter) =>
      ALPHABET.indexOf(letter).toString(2).padStart(5, '0'),
    );
    this.#seed = Buffer.from(
      bits
        .join('')
        .match(/.{8}/g)
        ?.map((byte) => parseInt(byte, 2)) ?? [],
    );
  }

  /** The code of this step, which is valid until the next one has expired. */
  code = () => this.#codeAt(Date.now());

  /**
   * The code of the step before, so that there is another one left in this step: each is good once.
   */
  async previousCode(): Promise<string> {
    const left = STEP - (Date.now() % STEP);
    if (left < 5_000) await new Promise((over) => setTimeout(over, left));
    return this.#codeAt(Date.now() - STEP);
  }

  #codeAt(time: number): string {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(time / STEP)));
    const hash = createHmac('sha1', this.#seed).update(counter).digest();
    const number = hash.readUInt32BE(hash.readUInt8(hash.length - 1) & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, '0');
  }
}
