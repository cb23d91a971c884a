import { runTool } from './run-tool.ts'

/**
 * @param image a file that holds the file system alone
 * @throws Error with the output of fsck.fat when it finds anything wrong or has something to remark
 */
export async function fsckFat(image: string): Promise<void> {
  const { code, stdout, stderr } = await runTool('fsck.fat', ['-n', '-v', image])
  const remarks = stdout.split('\n').filter((line) => !EXPECTED.some((pattern) => pattern.test(line)))
  if (code !== 0 || stderr !== '' || remarks.length > 0) {
    throw new Error(`fsck.fat -n -v ${image}: exit code ${code}\n${stdout}${stderr}`)
  }
}

/** All that it says of a volume without faults. */
const EXPECTED = [
  /^$/,
  /^fsck\.fat \d/,
  /^Checking (we can access|for unused clusters|free cluster summary|for bad clusters|file )/,
  /^Boot sector contents:$/,
  /^System ID /,
  /^Media byte 0x/,
  /^ +\d+ (bytes per (logical sector|cluster|FAT)|reserved sectors?|hidden sectors|sectors total|data clusters)/,
  /^ +[12] FATs, (12|16|32) bit entries$/,
  /^First FAT starts at byte /,
  /^Root directory (start at cluster 2|starts at byte \d+) /,
  /^ +\d+ root directory entries$/,
  /^Data area starts at byte /,
  /^\d+ sectors\/track, \d+ heads$/,
  /: \d+ files, \d+\/\d+ clusters$/,
]

/**
 * The complaints of fsck.fat about a volume, line by line; none for a sound volume.
 *
 * @param image a file that holds the file system alone
 */
export async function fsckFatRemarks(image: string): Promise<string[]> {
  const { code, stdout, stderr } = await runTool('fsck.fat', ['-n', image])
  const remarks = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => !ALWAYS.some((pattern) => pattern.test(line)))
  return code !== 0 && remarks.length === 0 ? [`exit code ${code}`] : remarks
}

/** The last of them is about a count that is allowed to be unknown. */
const ALWAYS = [
  /^$/,
  /^fsck\.fat \d/,
  /: \d+ files, \d+\/\d+ clusters$/,
  /^Free cluster summary uninitialized/,
]
