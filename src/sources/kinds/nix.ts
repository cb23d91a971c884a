import type { NixClosurePlan, NixSourcePlan } from '../../spec/sources/nix.ts'
import { openNixSource } from '../nix/nix-source.ts'
import type { InputPath, SourceOpener } from './opener.ts'

export const nixOpener: SourceOpener<NixSourcePlan> = {
  nameOf: ({ closure }) => (closure.from === 'paths' ? closure.store : closure.directory),
  open: ({ closure }, context) => openNixSource(closure, context),
  inputs: ({ closure }) => inputsOf(closure),
}

function inputsOf(closure: NixClosurePlan): InputPath[] {
  const directory = (path: string): InputPath => ({ kind: 'directory', path })
  if (closure.from === 'closureInfo') return [directory(closure.directory), directory(closure.store)]
  const { paths } = closure
  const list: InputPath[] = 'file' in paths ? [{ kind: 'file', path: paths.file }] : []
  return [...list, directory(closure.from === 'paths' ? closure.store : closure.directory)]
}
