/** Does it boot? Runs an image in QEMU, on a disk of its own: the image is only read. */
import { access, constants, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { checkBootOptions, type BootOptions } from './options.ts'
import { openBytes } from '../input/open-bytes.ts'
import { SECTOR_SIZE } from '../gpt-mbr/format.ts'
import { readTable } from '../gpt-mbr/read/table.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { CorruptError, DoesNotFitError, InputError } from '../lib/errors.ts'
import { namingErrors } from '../lib/output-error.ts'
import { drive } from '../lib/read-routine.ts'
import { createBeside } from '../lib/temporary-file.ts'
import { openFile } from '../output/open-file.ts'
import { rawFile } from '../output/raw-file.ts'
import { chooseMachine } from './choose-machine.ts'
import { piFirmware } from './pi-start.ts'
import {
  diskSizeFor,
  emulatorOf,
  type Firmware,
  type MachineName,
  qemuArguments,
  uefiOf,
} from './qemu/machines.ts'
import { findProgram, qemuImg } from './qemu/programs.ts'
import { type Outcome, runMachine } from './qemu/run-machine.ts'
import { givenUefi, installedUefi } from './qemu/uefi-firmware.ts'

export type { BootOptions, MachineName, Outcome }

export interface BootResult {
  machine: MachineName
  /** Why the run ended. */
  outcome: Outcome
  /** Size of the machine's disk, in bytes. */
  diskSize: number
}

const COPY_SIZE = 1 << 20

/**
 * Boots an image, raw or compressed, on an emulated machine. Its writes go to a temporary file, which is
 * removed afterwards unless `keep` names a file.
 *
 * @throws InputError when the image, the firmware or the device tree cannot be read
 * @throws NotFoundError when U-Boot is neither given nor in the image, or no machine is given and none boots the image
 * @throws ToolError when QEMU or its UEFI firmware is missing, or QEMU fails
 * @throws OutputError when there is no room for the temporary files, or for what is kept
 * @throws TypeError or RangeError when an option is unknown or invalid
 * @example
 * const { outcome } = await bootImage('disk.img.zst', { machine: 'virt', uboot: 'u-boot.bin', expect: 'login:' })
 */
export async function bootImage(image: string, options: BootOptions = {}): Promise<BootResult> {
  checkBootOptions(options)
  const { signal, keep } = options
  if (options.machine !== undefined) await findProgram(emulatorOf(options.machine))
  await findProgram('qemu-img')
  for (const path of [options.uboot, options.dtb, options.firmware])
    if (path !== undefined) await checkReadable(path)

  const kept = keep === undefined ? undefined : await createBeside(keep, false)
  const folder = await mkdtemp(join(tmpdir(), 'diskwright-boot-'))
  try {
    const { machine, qemu, disk, diskSize, sectorSize, firmware } = await prepare(image, folder, options)
    const { expect, interactive, onConsole, memory, sshPort } = options
    const args = qemuArguments({ machine, disk, sectorSize, firmware, memory, sshPort, interactive })
    const timeoutMs = options.timeout === undefined ? undefined : options.timeout * 1000
    const consolePath = join(folder, 'console')
    const outcome = await runMachine(qemu, args, {
      ...{ consolePath, expect, timeoutMs, interactive, onConsole, signal },
    })
    if (kept !== undefined) {
      await qemuImg(['convert', '-f', 'qcow2', '-O', 'raw', disk, kept.temporary.path], signal)
      await kept.commit()
    }
    return { machine, outcome, diskSize }
  } finally {
    await kept?.discard()
    await rm(folder, { recursive: true, force: true })
  }
}

async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'permission denied' : message
    throw new InputError(why, { source: path }, { cause: error })
  }
}

interface Prepared {
  machine: MachineName
  /** Path of the emulator. */
  qemu: string
  /** Path of the disk that may be written to. */
  disk: string
  diskSize: number
  /** Bytes of a sector, as the image's table has them. */
  sectorSize: number
  firmware: Firmware
}

/** Makes the disk, and finds out what boots it. */
async function prepare(image: string, folder: string, options: BootOptions): Promise<Prepared> {
  const { signal, onNotice, onProgress } = options
  const bytes = await openBytes(image, { signal, onNotice, onProgress })
  try {
    const { source } = bytes
    const machine = options.machine ?? (await choose(source, options))
    const qemu = await findProgram(emulatorOf(machine))
    const sectorSize = await sectorSizeOf(source)
    const diskSize = diskSizeFor(machine, options.diskSize ?? source.size, sectorSize)
    if (diskSize < source.size) {
      throw new DoesNotFitError(image, { needed: source.size, available: diskSize })
    }
    const firmware = await prepareFirmware(source, folder, { ...options, machine, qemu })
    let base = resolve(image)
    if (bytes.compression !== undefined) {
      base = join(folder, 'image')
      await copySparse(source, base, options)
    }
    const disk = join(folder, 'disk.qcow2')
    await qemuImg(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', disk, String(diskSize)], signal)
    return { machine, qemu, disk, diskSize, sectorSize, firmware }
  } finally {
    await bytes.close()
  }
}

async function choose(source: ByteSource, options: BootOptions): Promise<MachineName> {
  const { machine, reason } = await chooseMachine(source, options)
  options.onMachine?.(machine, reason)
  return machine
}

/** The unit of the image's table: on a disk of another, firmware and systems find no partition. */
async function sectorSizeOf(source: ByteSource): Promise<number> {
  try {
    const table = await drive(source, readTable(source.size))
    return table?.sectorSize ?? SECTOR_SIZE
  } catch (error) {
    // What the firmware makes of a damaged table is for the boot to show.
    if (error instanceof CorruptError) return SECTOR_SIZE
    throw error
  }
}

/** What is given, or else: UEFI firmware from QEMU's packages; U-Boot and device tree of a Raspberry Pi from the image. */
async function prepareFirmware(
  source: ByteSource,
  folder: string,
  { machine, qemu, uboot, dtb, firmware }: BootOptions & Pick<Prepared, 'machine' | 'qemu'>,
): Promise<Firmware> {
  const uefi = uefiOf(machine)
  if (uefi !== undefined) {
    if (firmware !== undefined) return givenUefi(resolve(firmware), uefi, folder)
    return installedUefi(uefi, qemu, folder)
  }
  const given = { uboot: uboot && resolve(uboot), dtb: dtb && resolve(dtb) }
  if (given.uboot !== undefined && (given.dtb !== undefined || machine === 'virt')) {
    return { uboot: given.uboot, dtb: given.dtb }
  }
  const found = await piFirmware(source, { uboot: given.uboot === undefined, dtb: given.dtb === undefined })
  const put = async (name: string, bytes: Uint8Array | undefined) => {
    if (bytes === undefined) return undefined
    const path = join(folder, name)
    await namingErrors(folder, writeFile(path, bytes))
    return path
  }
  return {
    uboot: given.uboot ?? (await put('u-boot.bin', found.uboot))!,
    dtb: given.dtb ?? (await put('machine.dtb', found.dtb)),
  }
}

/** Decompresses an image into a file with holes. */
async function copySparse(
  source: ByteSource,
  path: string,
  { signal, onProgress }: BootOptions,
): Promise<void> {
  const handle = await namingErrors(path, open(path, 'wx+', 0o600))
  const file = openFile(handle, path)
  try {
    const copy = rawFile(file)
    for (let at = 0; at < source.size; at += COPY_SIZE) {
      signal?.throwIfAborted()
      await copy.write(at, await source.read(at, Math.min(COPY_SIZE, source.size - at)))
      onProgress?.({ phase: 'decompress', step: 'decompressing the image', done: at, total: source.size })
    }
    await copy.finish(source.size)
  } finally {
    await file.settle().catch(() => undefined)
    await handle.close()
  }
}
