/** `.narinfo` files: what a binary cache says of a store path, and where its NAR lies. (NarInfo in Nix's nar-info.cc) */
import { InputError } from '../../lib/errors.ts'
import { parseSha256 } from './hash.ts'
import { parseSignature, type NamedBytes } from './signature.ts'
import { isStorePathName, storePathName, type StorePathInfo } from './store-path.ts'

export interface NarInfo extends StorePathInfo {
  /** Path of the file with the NAR, relative to the cache. */
  url: string
  compression: string
  /** SHA-256 of that file, in hexadecimal. */
  fileHash: string | undefined
  /** Bytes of that file. */
  fileSize: number | undefined
  signatures: readonly NamedBytes[]
}

/** Keys that stand for one value; the others may be repeated, or are none of ours. */
const SINGLE = [
  ...['StorePath', 'URL', 'Compression', 'FileHash', 'FileSize'],
  ...['NarHash', 'NarSize', 'References', 'Deriver'],
]

/**
 * @param source its name in messages
 * @throws InputError when a value is missing, is there twice, or is not what it has to be; when the URL leads out of
 *   the cache
 */
export function parseNarInfo(text: string, source: string): NarInfo {
  const fail = (message: string) => new InputError(message, { source })
  const values = new Map<string, string>()
  const signatures: NamedBytes[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue
    const [, key, value] = /^([A-Za-z][A-Za-z0-9-]*): ?(.*)$/.exec(line.replace(/\r$/, '')) ?? []
    if (key === undefined) {
      throw fail(
        `line ${i + 1}: expected a key, ": " and a value, found ${JSON.stringify(line.slice(0, 60))}`,
      )
    }
    if (key === 'Sig') {
      const signature = parseSignature(value)
      if (signature === undefined) throw fail(`Sig: expected a name and a signature, found ${shown(value)}`)
      signatures.push(signature)
    } else if (SINGLE.includes(key)) {
      if (values.has(key)) throw fail(`${key} appears twice`)
      values.set(key, value)
    }
  }
  const needed = (key: string) => {
    const value = values.get(key)
    if (value === undefined || value === '') throw fail(`${key} is missing`)
    return value
  }
  const hash = (key: string, value: string) => {
    const hex = parseSha256(value)
    if (hex === undefined) throw fail(`${key}: expected a SHA-256 hash, found ${shown(value)}`)
    return hex
  }
  const size = (key: string, value: string) => {
    if (/^[0-9]+$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value)
    throw fail(`${key}: expected a number of bytes, found ${shown(value)}`)
  }
  const path = storePathName(needed('StorePath'))
  if (path === undefined) {
    throw fail(`StorePath: expected a path in /nix/store, found ${shown(needed('StorePath'))}`)
  }
  const names = (key: string, text: string) => {
    const list = text.split(' ').filter((name) => name !== '')
    const wrong = list.find((name) => !isStorePathName(name))
    if (wrong !== undefined) throw fail(`${key}: expected names of store paths, found ${shown(wrong)}`)
    return list
  }
  const fileHash = values.get('FileHash')
  const fileSize = values.get('FileSize')
  const deriver = values.get('Deriver') ?? ''
  return {
    path,
    url: relativeUrl(needed('URL'), fail),
    // (NarInfo: "bzip2" is what no compression means.)
    compression: values.get('Compression') || 'bzip2',
    fileHash: fileHash && hash('FileHash', fileHash),
    fileSize: fileSize === undefined ? undefined : size('FileSize', fileSize),
    narHash: hash('NarHash', needed('NarHash')),
    narSize: size('NarSize', needed('NarSize')),
    references: names('References', values.get('References') ?? ''),
    // Old caches write this for a path without one.
    deriver: deriver === 'unknown-deriver' ? undefined : names('Deriver', deriver)[0],
    signatures,
  }
}

function relativeUrl(url: string, fail: (message: string) => InputError): string {
  const parts = url.split('/')
  const isInside = !url.startsWith('/') && !parts.includes('..') && !url.includes('\0')
  if (isInside && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url)) return url
  throw fail(`URL: expected the path of a file in the cache, found ${shown(url)}`)
}

const shown = (value: string) => JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}...` : value)
