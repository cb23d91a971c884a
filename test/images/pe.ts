/** EFI programs that do nothing: headers and sections. */
import { CoffHeader, DosHeader, PE_MAGIC, SectionHeader, Signature } from '../../src/uboot/uefi/format.ts'

const MACHINES = { x64: 0x8664, aa64: 0xaa64, ia32: 0x14c }

export interface PeOptions {
  machine?: keyof typeof MACHINES
  /** 10: an EFI application. */
  subsystem?: number
  signed?: boolean
  sections?: Record<string, string | Uint8Array>
}

/** What systemd-boot says of itself. */
export const SYSTEMD_BOOT = { '.text': 'code', '.sdmagic': '#### LoaderInfo: systemd-boot 257 ####\0' }

export function peImage({
  machine = 'x64',
  subsystem = 10,
  signed = false,
  sections = { '.text': 'code' },
}: PeOptions = {}): Uint8Array {
  const OPTIONAL = 240
  const names = Object.keys(sections)
  const headers =
    DosHeader.size + Signature.size + CoffHeader.size + OPTIONAL + names.length * SectionHeader.size
  let at = Math.ceil(headers / 512) * 512
  const parts: [number, Uint8Array][] = []
  const put = (offset: number, bytes: Uint8Array) => parts.push([offset, bytes])
  put(0, DosHeader.encode({ magic: 0x5a4d, unused: new Uint8Array(58), newHeader: DosHeader.size }))
  put(DosHeader.size, Signature.encode({ magic: PE_MAGIC }))
  const coff = DosHeader.size + Signature.size
  put(
    coff,
    CoffHeader.encode({
      ...{ machine: MACHINES[machine], sections: names.length, time: 0, symbolTable: 0, symbols: 0 },
      ...{ optionalSize: OPTIONAL, characteristics: 0x206 },
    }),
  )
  const optional = new Uint8Array(OPTIONAL)
  const view = new DataView(optional.buffer)
  view.setUint16(0, 0x20b, true)
  view.setUint16(68, subsystem, true)
  view.setUint32(108, 16, true)
  if (signed) view.setUint32(112 + 4 * 8 + 4, 1024, true)
  put(coff + CoffHeader.size, optional)
  for (const [i, name] of names.entries()) {
    const section = sections[name]
    const content = typeof section === 'string' ? new TextEncoder().encode(section) : section
    const nameBytes = new Uint8Array(8)
    nameBytes.set(new TextEncoder().encode(name))
    const rawSize = Math.ceil(content.length / 512) * 512
    put(
      coff + CoffHeader.size + OPTIONAL + i * SectionHeader.size,
      SectionHeader.encode({
        ...{ name: nameBytes, virtualSize: content.length, virtualAddress: at, rawSize, rawOffset: at },
        ...{
          relocations: 0,
          lineNumbers: 0,
          relocationCount: 0,
          lineNumberCount: 0,
          characteristics: 0x40000040,
        },
      }),
    )
    put(at, content)
    at += rawSize
  }
  const image = new Uint8Array(at)
  for (const [offset, bytes] of parts) image.set(bytes, offset)
  return image
}
