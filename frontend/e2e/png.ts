import { crc32, deflateSync } from 'node:zlib';

/** A file as it is chosen. */
export interface Chosen {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A PNG image of that size, in one colour, as a file to choose. `claims` is the width it names. */
export function png(width: number, height: number, claims = width): Chosen {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(claims, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // 8 bits of red, green and blue
  const row = Buffer.alloc(1 + 3 * width, 0x40);
  row[0] = 0;
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const buffer = Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return { name: 'logo.png', mimeType: 'image/png', buffer };
}

function chunk(type: string, data: Buffer) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
