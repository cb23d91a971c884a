import { basename, join } from 'node:path'
import type { NixClosurePlan, NixSourcePlan } from '../../spec/sources/nix.ts'
import { openNixSource } from '../nix/nix-source.ts'
import type { InputPath, SourceOpener } from './opener.ts'

export const nixOpener: SourceOpener<NixSourcePlan> = {
  nameOf: ({ closure }) => (closure.from === 'paths' ? closure.store : closure.directory),
  open: ({ closure }, context) => openNixSource(closure, context),
  inputs: ({ closure }) => inputsOf(closure),
}

/** Not the whole of a store: a derivation that makes an image has its output in the store that it reads from. */
function inputsOf(closure: NixClosurePlan): InputPath[] {
  const directory = (path: string): InputPath => ({ kind: 'directory', path })
  if (closure.from === 'closureInfo') return [directory(closure.directory)]
  const { paths } = closure
  if (closure.from === 'binaryCache') {
    const list: InputPath[] = 'file' in paths ? [{ kind: 'file', path: paths.file }] : []
    return [...list, directory(closure.directory)]
  }
  if ('file' in paths) return [{ kind: 'file', path: paths.file }]
  return paths.map((path) => directory(join(closure.store, basename(path))))
}
