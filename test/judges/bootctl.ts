/** systemd's bootctl, which lists boot entries as systemd-boot does. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findTool, missingJudge, mustRun, runTool } from './run-tool.ts'

/** Unpacked there by `scripts/install-judges.sh`: installing its package would install a boot loader. */
const UNPACKED = fileURLToPath(new URL('../../.cache/judges/bootctl/bootctl', import.meta.url))

const bootctl = () => (existsSync(UNPACKED) ? UNPACKED : findTool('bootctl'))

/** Whether bootctl can be asked, which takes a mount; says so loudly when not. */
export function canJudgeWithBootctl(): boolean {
  if (bootctl() === undefined) {
    return missingJudge('bootctl', 'neither on PATH nor unpacked; see scripts/install-judges.sh')
  }
  return process.getuid?.() === 0 || missingJudge('bootctl', 'needs root to mount')
}

/** An entry as bootctl shows it. */
export interface ListedEntry {
  id: string
  title?: string
  version?: string
  machineId?: string
  sortKey?: string
  options?: string
  linux?: string
  efi?: string
  initrd?: string[]
  devicetree?: string
  architecture?: string
  triesLeft?: number
  triesDone?: number
}

/** The entries of a folder that is laid out as an EFI system partition, in the order of the menu. */
export async function bootctlEntries(folder: string): Promise<ListedEntry[]> {
  // It takes nothing but the root of a file system.
  await mustRun('mount', ['--bind', folder, folder])
  try {
    const env = { SYSTEMD_RELAX_ESP_CHECKS: '1' }
    const { code, stdout, stderr } = await runTool(
      bootctl()!,
      [`--esp-path=${folder}`, 'list', '--json=short'],
      { env },
    )
    if (code !== 0) throw new Error(`bootctl list: exit code ${code}: ${stderr}`)
    // Older versions print a line for each, newer ones a list.
    const parsed = stdout.trimStart().startsWith('[')
      ? (JSON.parse(stdout) as ListedEntry[])
      : stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ListedEntry]))
    return parsed.filter(({ id }) => !id.startsWith('auto-'))
  } finally {
    await mustRun('umount', [folder])
  }
}
