import { bytes, struct, u16, u32 } from '../../lib/struct.ts'

/** How programs for DOS begin, and PE images. Only the fields that matter here have names. */
export const DosHeader = struct('DosHeader', 64, {
  magic: u16,
  unused: bytes(58),
  /** Where the PE signature is. (e_lfanew) */
  newHeader: u32,
})

/** `PE\0\0` */
export const PE_MAGIC = 0x4550
export const Signature = struct('Signature', 4, { magic: u32 })

/** (IMAGE_FILE_HEADER) */
export const CoffHeader = struct('CoffHeader', 20, {
  machine: u16,
  sections: u16,
  time: u32,
  symbolTable: u32,
  symbols: u32,
  optionalSize: u16,
  characteristics: u16,
})

/** The start of IMAGE_OPTIONAL_HEADER, to the end of what both forms have at the same place. */
export const OptionalHeader = struct('OptionalHeader', 72, {
  magic: u16,
  unused: bytes(66),
  subsystem: u16,
  dllCharacteristics: u16,
})

/** (IMAGE_SECTION_HEADER) */
export const SectionHeader = struct('SectionHeader', 40, {
  name: bytes(8),
  virtualSize: u32,
  virtualAddress: u32,
  rawSize: u32,
  rawOffset: u32,
  relocations: u32,
  lineNumbers: u32,
  relocationCount: u16,
  lineNumberCount: u16,
  characteristics: u32,
})
