import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missingJudge, runTool } from './run-tool.ts'

/**
 * U-Boot's own file systems, compiled as a program of this machine ("sandbox"): it lists and loads files from images as
 * it would on a board. Two versions, because what they can read differs.
 */

export type UbootName = 'new' | 'old'

/** Made there by `scripts/boot-ingredients.sh`. */
export const UBOOT_FOLDER = fileURLToPath(new URL('../../.cache/boot/u-boot/', import.meta.url))

const sandboxOf = (name: UbootName) => join(UBOOT_FOLDER, name, 'sandbox')

/** Whether U-Boot can be asked; says so loudly when not. */
export function canAskUboot(name: UbootName): boolean {
  const why = 'not compiled; see scripts/boot-ingredients.sh'
  return existsSync(join(UBOOT_FOLDER, name, 'complete')) || missingJudge(`U-Boot (${name})`, why)
}

/** `2025.01` */
export function ubootVersion(name: UbootName): string {
  return readFileSync(join(UBOOT_FOLDER, name, 'complete'), 'utf8').trim()
}

/** A file as U-Boot loaded it: size and CRC-32, or its error message. */
export type Loaded = { size: number; crc32: number } | { error: string }

/** Load address in the sandbox's memory, with 200 MiB behind it. */
const ADDRESS = '1000000'
const MARK = '@@@'

/** The outputs of some commands, which are run in one start of U-Boot. */
async function outputsOf(
  name: UbootName,
  image: string,
  commands: readonly string[],
  sectorSize = 512,
): Promise<string[]> {
  const marked = commands.map((command) => `echo ${MARK}; ${command}`)
  const bind = `host bind 0 ${image}${sectorSize === 512 ? '' : ` ${sectorSize}`}`
  const script = [bind, ...marked, `echo ${MARK}`, 'poweroff'].join('; ')
  const { code, stdout, stderr } = await runTool(sandboxOf(name), ['-c', script])
  const outputs = stdout.split(new RegExp(`^${MARK}\\r?\\n`, 'm')).slice(1)
  if (code !== 0 || outputs.length !== commands.length + 1) {
    throw new Error(`U-Boot ${name} on ${image}: exit code ${code}\n${stdout.slice(-4000)}${stderr}`)
  }
  return outputs.slice(0, -1)
}

/**
 * Has U-Boot load files, and says what it has in memory then: that loading succeeded proves nothing.
 *
 * @param image an absolute path
 * @param paths without spaces
 */
export async function ubootLoad(
  name: UbootName,
  image: string,
  partition: number,
  paths: readonly string[],
): Promise<Map<string, Loaded>> {
  // Stale memory must not pass for the loaded file.
  const commands = paths.map(
    (path) =>
      `setenv filesize; mw.b ${ADDRESS} 5a 1000; ` +
      `if load host 0:${partition} ${ADDRESS} ${path}; then echo size $filesize; crc32 ${ADDRESS} $filesize; fi`,
  )
  const outputs = await outputsOf(name, image, commands)
  return new Map(paths.map((path, i) => [path, parseLoaded(outputs[i])]))
}

function parseLoaded(output: string): Loaded {
  const size = /^size ([0-9a-f]+)\r?$/m.exec(output)?.[1]
  const crc32 = /==> ([0-9a-f]{8})/.exec(output)?.[1]
  if (size === undefined || crc32 === undefined) return { error: output.trim() }
  return { size: Number.parseInt(size, 16), crc32: Number.parseInt(crc32, 16) }
}

/** What U-Boot loads and passes to the kernel by a menu. */
export interface BootedMenu {
  /** The files that it looked for, the menu itself left out. */
  files: string[]
  append: string | undefined
}

/**
 * Has U-Boot boot by menus that are files in the top folder of an image without a partition table. The sandbox loads
 * everything, and then says that it cannot boot.
 *
 * @throws Error when U-Boot crashes
 */
export async function ubootMenus(
  name: UbootName,
  image: string,
  menus: readonly string[],
): Promise<BootedMenu[]> {
  const addresses = 'setenv kernel_addr_r 1000000; setenv ramdisk_addr_r 2000000; setenv bootfile'
  const outputs = await outputsOf(
    name,
    image,
    menus.map((menu) => `${addresses}; sysboot host 0:0 any 3000000 /${menu}`),
  )
  return outputs.map((output) => {
    const files = [...output.matchAll(/^Retrieving file: (.*?)\r?$/gm)].map(([, file]) => file)
    return { files: files.slice(1), append: /^append: (.*?)\r?$/m.exec(output)?.[1] }
  })
}

/** A partition as U-Boot lists it. */
export interface UbootPartition {
  number: number
  /** Bytes. */
  start: number
  size: number
  /** The type byte in hexadecimal digits, or the type GUID. */
  type: string
  uuid: string
  /** Of a GPT. */
  name?: string
  /** Of a GPT. */
  attributes?: bigint
}

/**
 * U-Boot's listing of a partition table. Where it looks for boot files is `bootable`: in a GPT an EFI system partition, too.
 *
 * @param sectorSize other than 512 only with `new`
 */
export async function ubootPartitions(
  name: UbootName,
  image: string,
  sectorSize = 512,
): Promise<{ type: string; bootable: number[]; partitions: UbootPartition[] }> {
  const commands = ['part list host 0', 'part list host 0 -bootable found; echo $found']
  const [list, bootable] = await outputsOf(name, image, commands, sectorSize)
  const type = /Partition Type: (\w+)/.exec(list)?.[1]
  if (type === undefined) throw new Error(`U-Boot ${name} on ${image}: ${list}`)
  const partitions = type === 'EFI' ? parseGptList(list, sectorSize) : parseMbrList(list)
  const numbers = bootable.match(/\w+/g) ?? []
  return { type, bootable: numbers.map((digits) => Number.parseInt(digits, 16)), partitions }
}

function parseGptList(list: string, sectorSize: number): UbootPartition[] {
  const entry =
    /^ +(\d+)\t0x(\w+)\t0x(\w+)\t"(.*)"\r?\n\tattrs:\t(0x\w+)\r?\n\ttype:\t(\S+)\r?\n(?:\t+\(.*\r?\n)?\tguid:\t(\S+)/gm
  return [...list.matchAll(entry)].map(([, number, first, last, name, attributes, type, uuid]) => ({
    number: Number(number),
    start: Number.parseInt(first, 16) * sectorSize,
    size: (Number.parseInt(last, 16) - Number.parseInt(first, 16) + 1) * sectorSize,
    type,
    uuid,
    name,
    attributes: BigInt(attributes),
  }))
}

function parseMbrList(list: string): UbootPartition[] {
  const entry = /^ +(\d+)\t(\d+) *\t(\d+) *\t(\S+)\t(\w\w)/gm
  return [...list.matchAll(entry)].map(([, number, start, size, uuid, type]) => ({
    number: Number(number),
    start: Number(start) * 512,
    size: Number(size) * 512,
    type,
    uuid,
  }))
}

/** U-Boot's listing of a directory: names in order, `/` after directories, `-> target` after symlinks. */
export async function ubootList(
  name: UbootName,
  image: string,
  partition: number,
  directory: string,
): Promise<string[]> {
  const [output] = await outputsOf(name, image, [`ls host 0:${partition} ${directory}`])
  const lines = output.split(/\r?\n/).filter((line) => line !== '')
  return lines.map((line) => {
    const found = /^<(.{3})> +\d+ +\S+ +\S+ +\S+ +\S+ +\S+ +(.*)$/.exec(line)
    if (found === null) throw new Error(`U-Boot ${name} lists ${directory}: ${output.slice(0, 2000)}`)
    return found[1] === 'DIR' ? `${found[2]}/` : found[2]
  })
}
