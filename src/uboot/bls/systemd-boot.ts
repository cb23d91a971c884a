/** The files of systemd-boot itself, as `bootctl install` puts them onto an EFI system partition. (bootctl(1)) */
import { fromText, toBytes, toDisplay, toLatin1, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { BootFile } from '../boot-file.ts'
import type { Architecture } from '../partition-types.ts'
import type { FoundNode, SystemTree } from '../system-tree.ts'
import { parsePe, PE_HEAD } from '../uefi/pe.ts'

/** systemd's folder of EFI programs, in its store path or in a root file system. */
const FOLDER = 'lib/systemd/boot/efi'

/** A program to install: bytes, or a file of the system. */
export interface LoaderProgram {
  architecture: Architecture
  program: { content: Uint8Array } | { from: ByteString }
}

/** The program's copies, under its own name and under the one that firmware looks for, and the kind of entries. */
export function systemdBootFiles({ architecture, program }: LoaderProgram): BootFile[] {
  const upper = architecture.toUpperCase()
  return [
    { path: `EFI/systemd/systemd-boot${architecture}.efi`, ...program },
    { path: `EFI/BOOT/BOOT${upper}.EFI`, ...program },
    { path: 'loader/entries.srel', content: toBytes(fromText('type1\n')) },
  ]
}

/**
 * A program that was given as a file.
 *
 * @param source its path, for errors
 * @throws InputError when it is not an EFI program
 */
export function givenProgram(content: Uint8Array, source: string): LoaderProgram {
  const image = parsePe(content.subarray(0, PE_HEAD))
  if (image?.architecture === undefined || !image.isApplication) {
    throw new InputError('expected an EFI program for a known processor, like systemd-bootx64.efi', {
      source,
    })
  }
  return { architecture: image.architecture, program: { content } }
}

/**
 * systemd-boot in the sources.
 *
 * @param prefix folder that has `lib/systemd`: a store path, or `usr`
 * @param architecture undefined: the only one that is there
 * @throws InputError when it is not there
 */
export function systemdBootIn(
  tree: SystemTree,
  prefix: ByteString,
  architecture: Architecture | undefined,
  source: string,
): LoaderProgram {
  const found = programsIn(tree, `${prefix}/${FOLDER}`)
  const wanted = found.filter((one) => architecture === undefined || one.architecture === architecture)
  if (wanted.length === 1) {
    const [{ architecture, node }] = wanted
    return { architecture, program: { from: node.path } }
  }
  const name = `systemd-boot${architecture ?? '*'}.efi`
  const why = wanted.length === 0 ? 'is not in the sources' : 'is there for several processors'
  throw new InputError(`${name} ${why}; name the file with "systemdBoot"`, {
    ...{ source, entry: toDisplay(`/${prefix}/${FOLDER}`) },
  })
}

function programsIn(tree: SystemTree, path: ByteString): { architecture: Architecture; node: FoundNode }[] {
  const folder = tree.find(path)
  if (folder?.type !== 'directory') return []
  return tree.list(folder).flatMap((name) => {
    const architecture = /^systemd-boot(x64|aa64|ia32|arm|riscv64)\.efi$/.exec(toLatin1(name))?.[1]
    if (architecture === undefined) return []
    // A signed one stands beside it.
    const node = tree.find(`${path}/${name}.signed`) ?? tree.find(`${path}/${name}`)
    return node?.type === 'file' ? [{ architecture: architecture as Architecture, node }] : []
  })
}
