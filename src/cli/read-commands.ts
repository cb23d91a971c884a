/** The commands that look into images. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseUBootVersion } from '../spec/uboot-version.ts'
import type { DiffFlags } from './diff.ts'
import type { ExtractFlags } from './extract.ts'
import type { LsFlags } from './ls.ts'
import type { VerifyFlags } from './verify.ts'
import { MAX_WORKERS, wholeNumber } from './whole-number.ts'

const image = 'an image (.img, .img.zst, .img.gz), a device, or a file system by itself'
const place = 'PART:PATH, for example 2:/@/etc: PART is the number or the label of a partition'

export function addReadCommands(program: Command, debug: Option): void {
  program
    .command('ls')
    .description('list the partitions of an image, or what lies in one')
    .argument('<image>', image)
    .argument('[place]', place)
    .option('-l, --long', 'with modes, owners, sizes, times (UTC)')
    .option('-R, --recursive', 'with all that lies below')
    .option('--json', 'print JSON')
    .addOption(debug)
    .action(async (path: string, where: string | undefined, flags: LsFlags, command: Command) => {
      const { ls } = await import('./ls.ts')
      await ls(path, where, flags, (message) => command.error(message))
    })

  program
    .command('cat')
    .description('print the content of a file')
    .argument('<image>', image)
    .argument('<place>', place)
    .addOption(debug)
    .action(async (path: string, where: string, _: object, command: Command) => {
      const { cat } = await import('./cat.ts')
      await cat(path, where, (message) => command.error(message))
    })

  program
    .command('extract')
    .description('get files out of an image, into a directory or a tar archive')
    .argument('<image>', image)
    .argument('[place]', `${place}; default: all of the only partition`)
    .option('-o, --output <dir>', 'directory to put them into, which must be new or empty')
    .option('--tar <file>', 'archive to write: .tar, .tar.zst, .tar.gz; - for standard output')
    .addOption(
      new Option('--compress <format>', 'of the archive (default: by its name)').choices([
        'none',
        'gzip',
        'zstd',
      ]),
    )
    .addOption(
      new Option('--level <n>', 'of the compression, 1 to 22 (gzip: to 9)').argParser((text) =>
        wholeNumber(text, 1, 22),
      ),
    )
    .addOption(
      new Option('--workers <n>', 'threads that compress with zstd (default: all cores)').argParser((text) =>
        wholeNumber(text, 0, MAX_WORKERS),
      ),
    )
    .option('--force', 'replace an existing file; put things into a directory that is not empty')
    .option('--json', 'print the result as JSON')
    .option('--quiet', 'print nothing but errors')
    .addOption(debug)
    .action(async (path: string, where: string | undefined, flags: ExtractFlags, command: Command) => {
      const { extract } = await import('./extract.ts')
      await extract(path, where, flags, (message) => command.error(message))
    })

  program
    .command('verify')
    .description(
      'check the partition table, the file systems and every checksum; exit 1 when something is wrong',
    )
    .argument('<image>', image)
    .option('--quick', 'the structure alone, not the content of files')
    .option('--boot', 'look for what keeps the image from booting with U-Boot, too')
    .addOption(
      new Option('--uboot <version>', 'of the U-Boot that boots it, as 2025.01, with --boot').argParser(
        ubootVersion,
      ),
    )
    .option('--json', 'print the result as JSON')
    .addOption(debug)
    .action(async (path: string, flags: VerifyFlags, command: Command) => {
      if (flags.uboot !== undefined && !flags.boot) command.error('--uboot is for --boot')
      const { verify } = await import('./verify.ts')
      await verify(path, flags)
    })

  program
    .command('diff')
    .description(
      'tell what differs between two images; exit 0 when nothing does, 1 when something does, 2 for trouble',
    )
    .argument('<a>', image)
    .argument('<b>', 'the other one')
    .option('--ignore <words>', 'what is not compared, for example atime,ctime', (text: string) =>
      text.split(','),
    )
    .option('--json', 'print JSON')
    .addOption(debug)
    .action(async (a: string, b: string, flags: DiffFlags) => {
      const { diff } = await import('./diff.ts')
      await diff(a, b, flags)
    })
}

function ubootVersion(text: string): string {
  if (parseUBootVersion(text) !== undefined) return text
  throw new InvalidArgumentError('Expected a version like 2025.01.')
}
