import { mustRun, runTool } from './run-tool.ts'

/** Makes sfdisk write a partition table into an image. `script` is in the language of `sfdisk -d`. */
export async function sfdiskWrite(image: string, script: string): Promise<void> {
  await mustRun('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', image], { input: script })
}

/** @throws Error with the output of sfdisk when it finds anything wrong, warnings included */
export async function sfdiskVerify(image: string): Promise<void> {
  const { code, stdout, stderr } = await runTool('sfdisk', ['--verify', image])
  if (code !== 0 || stderr !== '' || !stdout.includes('No errors detected')) {
    throw new Error(`sfdisk --verify ${image}: exit code ${code}\n${stdout}${stderr}`)
  }
}

/** Sectors of 512 bytes; the type in hexadecimal digits, or a GUID. */
export interface SfdiskPartition {
  node: string
  start: number
  size: number
  type: string
  bootable?: boolean
  /** Of a GPT. */
  name?: string
  uuid?: string
  /** Words and bits, `LegacyBIOSBootable GUID:59`. */
  attrs?: string
}

/** The output of `sfdisk --json`. */
export async function sfdiskJson(
  image: string,
): Promise<{ label: string; id: string; partitions: SfdiskPartition[] }> {
  const { stdout } = await mustRun('sfdisk', ['--json', image])
  const { partitiontable } = JSON.parse(stdout) as {
    partitiontable: { label: string; id: string; partitions?: SfdiskPartition[] }
  }
  return { ...partitiontable, partitions: partitiontable.partitions ?? [] }
}
