/** Writes the results of all steps to an output, a file, and the summary of the job. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { findingsOf } from './findings.mjs'

const {
  ARTIFACT,
  RUNNER_TEMP,
  GITHUB_OUTPUT,
  GITHUB_STEP_SUMMARY,
  IMAGE,
  SHA256,
  INPUT_BOOT,
  BOOTED_BEFORE,
} = process.env
const RESULTS = join(RUNNER_TEMP, 'diskwright', 'results')
const BOOT_RESULTS = join(RUNNER_TEMP, 'diskwright', 'boot')

const readJson = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined)
const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
function size(bytes) {
  let [amount, unit] = [bytes, 0]
  for (; amount >= 1024 && unit < UNITS.length - 1; unit++) amount /= 1024
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${UNITS[unit]}`
}
const count = (number, one, many = `${one}s`) =>
  `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`
// Labels and messages come from images.
const cell = (text) =>
  String(text)
    .replace(/[\\`*_{}[\]<>|&~$]/g, '\\$&')
    .replace(/\s+/g, ' ')

function contentOf({ type, files, directories, subvolumes, bytesIn }) {
  if (files === undefined) return bytesIn === undefined ? type : size(bytesIn)
  const below = subvolumes === undefined ? 0 : subvolumes.length - 1
  return [
    count(files, 'file'),
    count(directories, 'directory', 'directories'),
    ...(below > 0 ? [count(below, 'subvolume')] : []),
    size(bytesIn),
  ].join(', ')
}

function summaryOf({ build, verify, boot }) {
  if (build === undefined)
    return '### No disk image\n\nThe build failed. Its errors are annotations of this run.\n'
  const written = size(statSync(IMAGE).size)
  const sizes = build.format === 'img' ? written : `${size(build.imageSize)}, ${written} compressed`
  const rows = build.partitions.map((partition) =>
    [
      partition.number === 0 ? '' : partition.number,
      partition.type.toUpperCase(),
      cell(partition.label),
      size(partition.start),
      size(partition.size),
      contentOf(partition),
    ].join(' | '),
  )
  const verified =
    verify === undefined
      ? 'not verified'
      : verify.counts.error + (verify.boot ?? []).filter(({ severity }) => severity === 'error').length > 0
        ? '**not sound**'
        : `sound, all checksums are correct${verify.boot === undefined ? '' : ', no boot problems found'}`
  const booted =
    INPUT_BOOT === ''
      ? 'not booted'
      : boot === undefined
        ? `**does not boot** on ${INPUT_BOOT}`
        : `boots on ${boot.machine}${BOOTED_BEFORE === 'true' ? ' (in an earlier run, with the same image)' : ''}`
  const findings = [
    ...build.findings.map(({ severity, where, message }) => ({ severity, text: `${where}: ${message}` })),
    ...(verify === undefined ? [] : findingsOf(verify)),
  ]
  return [
    `### ${cell(IMAGE)}`,
    '',
    `${sizes}; ${verified}; ${booted}.`,
    '',
    `SHA-256: \`${SHA256}\``,
    '',
    '| # | type | label | start | size | content |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
    ...(findings.length === 0
      ? []
      : [
          `<details><summary>${count(findings.length, 'finding')}</summary>`,
          '',
          ...findings.slice(0, 100).map(({ severity, text }) => `- ${severity}: ${cell(text)}`),
          '',
          '</details>',
          '',
        ]),
  ].join('\n')
}

/** Puts a file into the results: if an artifact had files of several folders, it would contain their parent folders. */
function attach(path) {
  const target = join(RESULTS, basename(path))
  try {
    linkSync(path, target)
  } catch {
    copyFileSync(path, target)
  }
}

const build = readJson(join(RESULTS, 'build.json'))
const verify = readJson(join(RESULTS, 'verify.json'))
const boot = readJson(join(BOOT_RESULTS, 'boot.json'))
appendFileSync(GITHUB_STEP_SUMMARY, `${summaryOf({ build, verify, boot })}\n`)
if (build !== undefined) {
  const result = { image: IMAGE, sha256: SHA256, build, verify, boot }
  for (const name of boot === undefined ? [] : readdirSync(BOOT_RESULTS)) {
    copyFileSync(join(BOOT_RESULTS, name), join(RESULTS, name))
  }
  if (ARTIFACT !== '') for (const path of [IMAGE, `${IMAGE}.sha256`]) attach(path)
  writeFileSync(join(RESULTS, 'result.json'), `${JSON.stringify(result, undefined, 2)}\n`)
  appendFileSync(GITHUB_OUTPUT, `result=${JSON.stringify(result)}\n`)
}
