/**
 * Finds UEFI firmware by the descriptions that its packages bring along for programs that run QEMU. (QEMU,
 * docs/interop/firmware.json)
 */
import { constants } from 'node:fs'
import { access, copyFile, chmod, readdir, readFile, realpath, stat, truncate } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ToolError } from '../../lib/errors.ts'
import { namingErrors } from '../../lib/output-error.ts'
import type { Firmware, FlashFile, UefiKind } from './machines.ts'

/** The keys of a description that are looked at. */
interface Description {
  'interface-types'?: string[]
  mapping?: {
    device?: string
    mode?: string
    executable?: { filename: string; format: string }
    'nvram-template'?: { filename: string; format: string }
  }
  targets?: { architecture: string; machines: string[] }[]
  features?: string[]
}

/** Images are not signed, and System Management Mode takes a machine that is set up for it. */
const UNFIT = ['secure-boot', 'requires-smm']

/**
 * The firmware that the machine starts, with variables of its own in `folder`, so that a run leaves no traces.
 *
 * @param qemu path of the emulator, beside which the descriptions lie
 * @throws ToolError that names the package, when there is none
 */
export async function installedUefi(kind: UefiKind, qemu: string, folder: string): Promise<Firmware> {
  for (const path of await descriptions(qemu)) {
    const flashes = await fittingFlashes(path, kind)
    if (flashes === undefined) continue
    const { code, variables } = flashes
    return { code, variables: { ...variables, path: await privateCopy(variables.path, folder) } }
  }
  throw new ToolError(
    `there is no UEFI firmware for QEMU (Debian: apt install ${kind.package}); without it firmware must be given`,
  )
}

/** A file in place of the firmware that is installed, with or without its variables in it. */
export async function givenUefi(path: string, { flashSize }: UefiKind, folder: string): Promise<Firmware> {
  const copy = await privateCopy(path, folder)
  const { size } = await stat(copy)
  if (flashSize !== undefined && size < flashSize) await namingErrors(copy, truncate(copy, flashSize))
  return { code: { path: copy, format: 'raw' } }
}

async function privateCopy(path: string, folder: string): Promise<string> {
  const copy = join(folder, basename(path))
  await namingErrors(copy, copyFile(path, copy))
  await chmod(copy, 0o600)
  return copy
}

/**
 * The descriptions by name, as they are to be tried. One that lies in a more specific folder hides another of its name;
 * an empty one does only that.
 */
async function descriptions(qemu: string): Promise<string[]> {
  const { XDG_CONFIG_HOME, HOME } = process.env
  const config = XDG_CONFIG_HOME || (HOME && join(HOME, '.config'))
  const installed = resolve(dirname(await realpath(qemu)), '..', 'share/qemu/firmware')
  const folders = [...(config ? [join(config, 'qemu/firmware')] : []), '/etc/qemu/firmware', installed]
  const byName = new Map<string, string>()
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => [])
    for (const name of names) {
      if (name.endsWith('.json') && !byName.has(name)) byName.set(name, join(folder, name))
    }
  }
  return [...byName.keys()].sort().map((name) => byName.get(name)!)
}

/** The two flash memories of a description that fits, if their files are there. */
async function fittingFlashes(
  path: string,
  { architecture, machine }: UefiKind,
): Promise<{ code: FlashFile; variables: FlashFile } | undefined> {
  try {
    const description = JSON.parse(await readFile(path, 'utf8')) as Description
    const { mapping, targets, features } = description
    const fits =
      description['interface-types']!.includes('uefi') &&
      targets!.some(
        (target) =>
          target.architecture === architecture && target.machines.some((name) => name.startsWith(machine)),
      ) &&
      !UNFIT.some((name) => features!.includes(name)) &&
      mapping!.device === 'flash' &&
      (mapping!.mode ?? 'split') === 'split'
    if (!fits) return undefined
    const [code, variables] = [mapping!.executable!, mapping!['nvram-template']!].map(
      ({ filename, format }) => ({ path: filename, format }),
    )
    for (const file of [code, variables]) await access(file.path, constants.R_OK)
    return { code, variables }
  } catch {
    // Not ours to judge: a description that cannot be read or names what is not there describes nothing.
    return undefined
  }
}
