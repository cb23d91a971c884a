/** Manifests as files: mtree(5) or JSON, told apart by their first character. */
import * as z from 'zod/mini'
import { canHaveFlags } from '../../file-tree/entry-changes.ts'
import { INODE_FLAGS } from '../../file-tree/entry.ts'
import { normalisePath } from '../../file-tree/entry-path.ts'
import { xattrFault } from '../../file-tree/xattr-rules.ts'
import { fromBytes, fromText, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import { systemMessageOf } from '../../lib/system-message.ts'
import { toSpecIssues, zodMessage } from '../../spec/messages.ts'
import { bytesOfSpec, deviceKeys, entryKeys, targetKey } from '../../spec/sources/entry-spec.ts'
import { parseTime } from '../../spec/notation/times.ts'
import { integer, path as pathSchema, text } from '../../spec/schema/values.ts'
import type { NameTables } from '../../tar/names.ts'
import { readWholeFile } from '../file.ts'
import type { Manifest, ManifestEntry } from './manifest.ts'
import { MtreeReader } from './mtree.ts'

const TYPES = ['file', 'directory', 'symlink', 'fifo', 'socket', 'block', 'character'] as const

const jsonManifest = z.record(
  pathSchema,
  z.strictObject({
    type: z.optional(z.literal(TYPES)),
    ...entryKeys,
    flags: z.optional(z.array(z.literal(INODE_FLAGS))),
    target: z.optional(targetKey.target),
    major: z.optional(deviceKeys.major),
    minor: z.optional(deviceKeys.minor),
    size: z.optional(integer('bytes', 0, Number.MAX_SAFE_INTEGER)),
    sha256: z.optional(text('64 hexadecimal digits', /^[0-9a-fA-F]{64}$/)),
    optional: z.optional(z.boolean()),
    nochange: z.optional(z.boolean()),
    ignore: z.optional(z.boolean()),
  }),
)
type JsonEntry = z.infer<typeof jsonManifest>[string]

/**
 * Reads a manifest of either form.
 *
 * @param names what names of owners stand for; undefined: only root's are known
 * @throws InputError when it cannot be read, or is neither
 */
export async function readManifest(file: string, names?: NameTables): Promise<Manifest> {
  return parseManifest(await readWholeFile(file), file, names)
}

/** The same of the bytes of a file. @param file its name in messages */
export async function parseManifest(bytes: Uint8Array, file: string, names?: NameTables): Promise<Manifest> {
  const start = bytes.findIndex((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)
  const isJson = bytes[start] === 0x7b
  const manifest = isJson ? await readJson(bytes, file) : new MtreeReader(file, names).read(fromBytes(bytes))
  for (const entry of manifest.values()) checkEntry(entry, file)
  return manifest
}

async function readJson(bytes: Uint8Array, source: string): Promise<Map<ByteString, ManifestEntry>> {
  const value = await parseJson(bytes, source)
  const parsed = jsonManifest.safeParse(value, { error: zodMessage })
  if (!parsed.success) {
    const [{ path, message }] = toSpecIssues(parsed.error.issues, value)
    throw new InputError(`${path}: ${message}`, { source })
  }
  return new Map(
    Object.entries(parsed.data).map(([path, entry]) => {
      const { type, flags = [] } = entry
      if (flags.length > 0 && type !== undefined && !canHaveFlags(type)) {
        throw new InputError(`${JSON.stringify(path)}: a ${type} has no flags`, { source })
      }
      const bytes = normalisePath(fromText(path))
      return [bytes, ofJson(bytes, path, entry)]
    }),
  )
}

/** @throws InputError for what is no JSON, and for a path that is there twice: the second one would win without a word */
async function parseJson(bytes: Uint8Array, source: string): Promise<unknown> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new InputError(systemMessageOf(error), { source }, { cause: error })
  }
  // Its parser is loaded for manifests of this kind alone.
  const { findJsonProblem } = await import('../../lib/json-text.ts')
  const problem = findJsonProblem(text)
  if (problem === undefined) return JSON.parse(text)
  const { line, column, message } = problem
  throw new InputError(`line ${line}, column ${column}: ${message}`, { source })
}

function ofJson(path: ByteString, where: string, entry: JsonEntry): ManifestEntry {
  const { type, mode, uid, gid, mtime, xattrs, target, major, minor, size, sha256 } = entry
  const { flags, optional, nochange, ignore } = entry
  const digests = sha256 === undefined ? [] : [{ algorithm: 'sha256', value: sha256.toLowerCase() }]
  const isExpected = size !== undefined || sha256 !== undefined
  return {
    path,
    where: JSON.stringify(where),
    type,
    mode: mode === undefined ? undefined : parseInt(mode, 8),
    uid,
    gid,
    mtime: mtime === undefined ? undefined : parseTime(mtime),
    xattrs:
      xattrs &&
      Object.entries(xattrs).map(([name, value]) => ({ name: fromText(name), value: bytesOfSpec(value) })),
    flags: flags === undefined || flags.length === 0 ? undefined : [...new Set(flags)].sort(),
    target: target === undefined ? undefined : fromText(target),
    device: major === undefined || minor === undefined ? undefined : { major, minor },
    expected: isExpected ? { size, digests } : undefined,
    optional,
    nochange,
    ignore,
  }
}

function checkEntry({ type, where, device, path, xattrs = [] }: ManifestEntry, source: string): void {
  const isDevice = type === 'block' || type === 'character'
  const fail = (message: string) => new InputError(`${where}: ${message}`, { source })
  if (isDevice && device === undefined) throw fail('a device without its numbers')
  if (path === '' && type !== undefined && type !== 'directory')
    throw fail('the root can only be a directory')
  for (const { name, value } of xattrs) {
    const fault = xattrFault(name, value, type ?? 'file')
    if (fault !== undefined) throw fail(fault)
  }
}
