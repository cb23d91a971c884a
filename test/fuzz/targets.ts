/** All targets. A new one is a line here. */
import type { FuzzTarget } from './target.ts'
import { compressed } from './targets/compressed.ts'
import { description } from './targets/description.ts'
import { extlinux } from './targets/extlinux.ts'
import { uefi } from './targets/uefi.ts'
import { manifest } from './targets/manifest.ts'
import { merge } from './targets/merge.ts'
import { nar } from './targets/nar.ts'
import { nixTexts } from './targets/nix-texts.ts'
import { oci } from './targets/oci.ts'
import { selection } from './targets/selection.ts'
import { send } from './targets/send.ts'
import { tar } from './targets/tar.ts'

export const TARGETS: readonly FuzzTarget[] = [
  tar,
  compressed,
  nar,
  nixTexts,
  oci,
  send,
  manifest,
  selection,
  merge,
  extlinux,
  uefi,
  description,
]
