import { mustRun, runTool } from './run-tool.ts'

/** Changes the GPT of an image, or makes one. */
export async function sgdisk(image: string, ...args: string[]): Promise<void> {
  await mustRun('sgdisk', [...args, image])
}

/** A gap before the first usable sector, which it calls unusual. */
const HARMLESS = /Warning: There is a gap/g

/** Problems that `sgdisk --verify` reports, except for alignment; '' for none. */
export async function sgdiskProblems(image: string): Promise<string> {
  const { code, stdout, stderr } = await runTool('sgdisk', ['--verify', image])
  const warns = /warning|invalid|corrupt|damaged/i.test(stdout.replace(HARMLESS, ''))
  const isSound = code === 0 && stderr === '' && stdout.includes('No problems found') && !warns
  return isSound ? '' : `exit code ${code}\n${stdout}${stderr}`
}
