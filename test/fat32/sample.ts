import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mtool, mtoolsPut } from '../judges/mkfs-fat.ts'

/** Content that differs from file to file and from place to place. */
export function content(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff
  return bytes
}

/**
 * Fills a volume with mtools: long names and short ones, a file in pieces, attributes, deleted entries, directories of
 * more than one cluster.
 *
 * @param clusterSize bytes; contents are some of them long
 * @returns what is there in the end; directories are undefined
 */
export async function fillWithMtools(
  image: string,
  clusterSize: number,
): Promise<Map<string, Uint8Array | undefined>> {
  const expected = new Map<string, Uint8Array | undefined>()
  const put = async (path: string, size: number, seed: number) => {
    const bytes = content(size, seed)
    await mtoolsPut(image, path, bytes)
    expected.set(path, bytes)
  }
  for (const path of ['lower', 'UPPER', 'A longer Directory.Name', 'lower/deep']) {
    await mtool(image, 'mmd', `::${path}`)
    expected.set(path, undefined)
  }
  await put('first', 3 * clusterSize, 1)
  await put('lower/second.TXT', clusterSize + 1, 2)
  await put('between', 2 * clusterSize - 7, 3)
  await put('lower/deep/third', 1, 4)
  await mtool(image, 'mdel', '::first', '::between')
  expected.delete('first')
  expected.delete('between')
  // Goes into the gaps and beyond them.
  await put('A longer Directory.Name/In Pieces', 9 * clusterSize + 5, 5)
  await put('READ.ME', 100, 6)
  await mtool(image, 'mattrib', '+r', '+h', '::READ.ME')
  await put('empty', 0, 7)
  // More records than a cluster of 512 bytes holds.
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
  const names = Array.from({ length: 40 }, (_, i) => `${i} of many`)
  for (const name of names) {
    writeFileSync(join(folder, name), '')
    expected.set(`UPPER/${name}`, new Uint8Array(0))
  }
  await mtool(image, 'mcopy', ...names.map((name) => join(folder, name)), '::UPPER')
  rmSync(folder, { recursive: true })
  return expected
}
