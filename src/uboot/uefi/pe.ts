/**
 * EFI programs: PE images, as far as boot loaders and their checks look at them. (Microsoft PE and COFF specification; UEFI
 * 2.1.1; UAPI unified kernel image)
 */
import { fromBytes, toLatin1 } from '../../lib/byte-string.ts'
import { viewOf } from '../../lib/struct.ts'
import type { Architecture } from '../partition-types.ts'
import { CoffHeader, DosHeader, OptionalHeader, PE_MAGIC, SectionHeader, Signature } from './format.ts'

export interface PeSection {
  name: string
  /** Place of its content in the file; bytes. */
  offset: number
  /** Bytes of content. */
  size: number
}

export interface PeImage {
  /** Undefined: another processor. */
  architecture: Architecture | undefined
  /** The machine's number. */
  machine: number
  /** Boots as an application; drivers and programs of other systems do not. */
  isApplication: boolean
  /** It has a signature, which nobody has verified here. */
  isSigned: boolean
  sections: readonly PeSection[]
}

const MACHINES: Readonly<Record<number, Architecture>> = {
  0x014c: 'ia32',
  0x8664: 'x64',
  0xaa64: 'aa64',
  0x01c2: 'arm',
  0x01c4: 'arm',
  0x5064: 'riscv64',
}
const DOS_MAGIC = 0x5a4d
const EFI_APPLICATION = 10
/** Magic numbers of the two forms, and where the table of data directories begins. */
const DIRECTORIES: Readonly<Record<number, number>> = { 0x10b: 96, 0x20b: 112 }
/** The directory of the signatures: its place in the file and its size. */
const CERTIFICATES = 4
/** Bytes of a program's start that have its headers. */
export const PE_HEAD = 8192

/**
 * @param head the first bytes of the file, `PE_HEAD` or all there are
 * @returns undefined when it is no PE image, or its headers lie further behind
 */
export function parsePe(head: Uint8Array): PeImage | undefined {
  const view = viewOf(head)
  if (head.length < DosHeader.size || DosHeader.at.magic.get(view, 0) !== DOS_MAGIC) return undefined
  const start = DosHeader.at.newHeader.get(view, 0)
  const coffAt = start + Signature.size
  if (coffAt + CoffHeader.size > head.length || Signature.at.magic.get(view, start) !== PE_MAGIC)
    return undefined
  const { machine, sections: count, optionalSize } = CoffHeader.decode(head.subarray(coffAt))
  const optionalAt = coffAt + CoffHeader.size
  const sectionsAt = optionalAt + optionalSize
  if (sectionsAt + count * SectionHeader.size > head.length || optionalSize < OptionalHeader.size)
    return undefined
  const { magic, subsystem } = OptionalHeader.decode(head.subarray(optionalAt))
  const directory = DIRECTORIES[magic]
  const certificates = optionalAt + directory + CERTIFICATES * 8
  return {
    machine,
    architecture: MACHINES[machine],
    isApplication: subsystem === EFI_APPLICATION,
    isSigned: certificates + 8 <= sectionsAt && view.getUint32(certificates + 4, true) > 0,
    sections: Array.from({ length: count }, (_, i) => {
      const section = SectionHeader.decode(head.subarray(sectionsAt + i * SectionHeader.size))
      const { name, virtualSize, rawSize, rawOffset } = section
      // What is longer in the file is padding.
      const size = virtualSize === 0 ? rawSize : Math.min(virtualSize, rawSize)
      return { name: toLatin1(fromBytes(name)).replace(/\0.*$/s, ''), offset: rawOffset, size }
    }),
  }
}

/** The section of a name, if it has content. */
export function sectionOf({ sections }: PeImage, name: string): PeSection | undefined {
  return sections.find((section) => section.name === name && section.size > 0)
}
