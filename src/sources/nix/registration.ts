/**
 * The text that `nix-store --load-db` reads and `nix-store --dump-db` prints: for each store path its path, the hash and
 * the size of its NAR, its deriver or an empty line, the number of its references, and these. (decodeValidPathInfo,
 * makeValidityRegistration in Nix's store-api.cc) The file `registration` of Nixpkgs' closureInfo has this form, too.
 */
import { InputError } from '../../lib/errors.ts'
import { parseSha256 } from './hash.ts'
import { fullStorePath, storePathName, type StorePathInfo } from './store-path.ts'

/** More than any closure has. */
const MAX_REFERENCES = 10_000_000

/**
 * @param source its name in messages
 * @throws InputError naming the line: truncated, or something else than Nix writes; a path twice
 */
export function parseRegistration(text: string, source: string): StorePathInfo[] {
  const lines = text.split('\n')
  // The last line ends, too.
  if (lines.at(-1) === '') lines.pop()
  let at = 0
  const fail = (message: string) => new InputError(`line ${at}: ${message}`, { source })
  const next = (what: string) => {
    at++
    if (at > lines.length) throw fail(`expected ${what}, found the end`)
    return lines[at - 1]
  }
  const nextPath = (what: string) => {
    const line = next(what)
    const path = storePathName(line)
    if (path === undefined) throw fail(`expected ${what}, found ${JSON.stringify(line)}`)
    return path
  }
  const nextNumber = (what: string, max: number) => {
    const line = next(what)
    if (!/^[0-9]{1,16}$/.test(line) || Number(line) > max) {
      throw fail(`expected ${what}, found ${JSON.stringify(line)}`)
    }
    return Number(line)
  }
  const infos = new Map<string, StorePathInfo>()
  while (at < lines.length) {
    const path = nextPath('a store path')
    if (infos.has(path)) throw fail(`${fullStorePath(path)} is registered twice`)
    const hash = next('the hash of a NAR')
    const narHash = parseSha256(hash)
    if (narHash === undefined) throw fail(`expected a SHA-256 hash, found ${JSON.stringify(hash)}`)
    const narSize = nextNumber('the size of a NAR', Number.MAX_SAFE_INTEGER)
    const deriver = next('a deriver or an empty line')
    const deriverName = storePathName(deriver)
    if (deriver !== '' && deriverName === undefined) {
      throw fail(`expected a deriver or an empty line, found ${JSON.stringify(deriver)}`)
    }
    const references: string[] = []
    const count = nextNumber('the number of references', MAX_REFERENCES)
    while (references.length < count) references.push(nextPath('a reference'))
    infos.set(path, { path, narHash, narSize, references, deriver: deriverName })
  }
  return [...infos.values()]
}

/** @param infos of a closure: the references of each are among them */
export function formatRegistration(infos: readonly StorePathInfo[]): string {
  return infos
    .flatMap(({ path, narHash, narSize, references, deriver }) => [
      fullStorePath(path),
      narHash,
      String(narSize),
      deriver === undefined ? '' : fullStorePath(deriver),
      String(references.length),
      ...references.map(fullStorePath),
    ])
    .map((line) => `${line}\n`)
    .join('')
}
