import { mustRun, type ToolOptions } from './run-tool.ts'

/** Some non-ASCII names make mtools hang: none of them may run for long. */
const OPTIONS: ToolOptions = {
  env: { MTOOLSRC: '/dev/null', MTOOLS_DATE_STRING: 'yyyy-mm-dd' },
}

/** The paths of all files and directories; directories end in a slash. */
export async function mtoolsList(image: string): Promise<string[]> {
  const { stdout } = await mustRun('mdir', ['-i', image, '-/', '-b', '-a', '::'], OPTIONS)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^::\//, ''))
}

/** Copies all of a volume into a folder that exists, with times. */
export async function mtoolsCopyAll(image: string, folder: string): Promise<void> {
  await mustRun('mcopy', ['-i', image, '-s', '-p', '-m', '-n', '-Q', '::*', folder], OPTIONS)
}
