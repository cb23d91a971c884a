import type { SourceEntry } from '../../file-tree/entry.ts'
import { InputError } from '../../lib/errors.ts'
import type { DirectorySourcePlan } from '../../spec/sources/directory.ts'
import { readDirectory } from '../directory.ts'
import { loadHostCalls, type HostCalls } from '../host-calls.ts'
import { applyManifest } from '../manifest/apply-manifest.ts'
import { readManifest } from '../manifest/read-manifest.ts'
import { nameTablesOf } from '../folder-name-tables.ts'
import { withCountedContent } from './counted-content.ts'
import type { OpenContext, SourceOpener } from './opener.ts'

export const directoryOpener: SourceOpener<DirectorySourcePlan> = {
  nameOf: ({ path }) => path,
  open: openDirectory,
  inputs: ({ path, manifest }) => [
    { kind: 'directory', path },
    ...(manifest === undefined ? [] : [{ kind: 'file' as const, path: manifest }]),
  ],
}

async function* openDirectory(
  plan: DirectorySourcePlan,
  context: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const calls = await loadHostCalls()
  const names = plan.resolveNames === true ? await nameTablesOf(plan.path) : undefined
  const manifest = plan.manifest === undefined ? undefined : await readManifest(plan.manifest, names)
  const entries = directoryEntries(plan, context, calls)
  const { leavesOut } = context
  if (manifest === undefined) yield* entries
  else yield* applyManifest(entries, { manifest, file: plan.manifest!, leavesOut })
}

/** @param calls undefined where Node alone must do */
export async function* directoryEntries(
  { path, keepOwners, followSymlinks, xattrs }: DirectorySourcePlan,
  { signal, count, leavesOut, onFinding }: Pick<OpenContext, 'signal' | 'count' | 'leavesOut' | 'onFinding'>,
  calls: HostCalls | undefined,
): AsyncGenerator<SourceEntry, void, undefined> {
  if (calls === undefined && xattrs === true) {
    throw new InputError('"xattrs" needs Linux and the optional package koffi, which is not installed here', {
      source: path,
    })
  }
  if (calls === undefined && xattrs === undefined) {
    const message =
      'extended attributes are not read, and holes are read as zeros: that needs Linux and the optional package koffi'
    onFinding({ severity: 'notice', where: path, message })
  }
  const onForeignXattr = (name: string) => {
    const message = `extended attributes ${JSON.stringify(name)} belong to the file system they are from, and are left out`
    onFinding({ severity: 'notice', where: path, message })
  }
  const options = { keepOwners, followSymlinks, calls, xattrs: xattrs !== false, onForeignXattr, leavesOut }
  yield* withCountedContent(readDirectory(path, options), { signal, count })
}
