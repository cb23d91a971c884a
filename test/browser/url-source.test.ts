/** Images at addresses: only what is needed is fetched. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { urlSource } from '../../src/browser/index.ts'
import { InputError } from '../../src/lib/errors.ts'
import { noise } from '../images/build.ts'

const BYTES = Buffer.from(noise(10 * 2 ** 20 + 12_345, 3))
const server = createServer((request, response) => {
  requests.push(`${request.method} ${request.headers.range ?? ''}`.trim())
  answer(request, response)
})
let answer: (request: IncomingMessage, response: ServerResponse) => void
let requests: string[]
let url: string

function answerRanges(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  etag = '"1"',
  hidesSize = false,
) {
  if (method === 'HEAD') {
    response.writeHead(200, { 'content-length': BYTES.length }).end()
    return
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range!)!
  const end = Math.min(Number(last), BYTES.length - 1)
  response.writeHead(206, {
    etag,
    ...(!hidesSize && { 'content-range': `bytes ${first}-${end}/${BYTES.length}` }),
  })
  response.end(BYTES.subarray(Number(first), end + 1))
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.img`
})
afterAll(() => server.close())
beforeEach(() => {
  requests = []
  answer = (request, response) => void answerRanges(request, response)
})

describe('an image at an address', () => {
  test('is read at any place, in parts', async () => {
    const source = await urlSource(url)
    expect(source.size).toBe(BYTES.length)
    for (const [offset, length] of [
      [0, 10],
      [131_000, 1000],
      [5_000_000, 3_000_000],
      [BYTES.length - 5, 100],
      [BYTES.length, 10],
    ]) {
      expect(Buffer.compare(await source.read(offset, length), BYTES.subarray(offset, offset + length))).toBe(
        0,
      )
    }
    expect(requests.length).toBeLessThan(8)
  })

  test('front to back takes few requests, and what was read is kept', async () => {
    const source = await urlSource(url)
    for (let at = 0; at < BYTES.length; at += 65_536) await source.read(at, 65_536)
    expect(requests.length).toBeLessThan(10)
    const before = requests.length
    await source.read(3_000_000, 100)
    expect(requests.length).toBe(before)
  })

  test('whose size is hidden is asked for it', async () => {
    answer = (request, response) => {
      answerRanges(request, response, '"1"', true)
    }
    expect((await urlSource(url)).size).toBe(BYTES.length)
    expect(requests).toEqual(['GET bytes=0-131071', 'HEAD'])
  })
})

describe('errors', () => {
  test.each([
    [404, 'the server answers 404 Not Found'],
    [200, 'the server does not answer range requests: expected status 206, found 200'],
  ])('status %i', async (status, message) => {
    answer = (_, response) => response.writeHead(status).end('x')
    await expect(urlSource(url)).rejects.toThrow(`${url}: ${message}`)
    await expect(urlSource(url)).rejects.toBeInstanceOf(InputError)
  })

  test('no server', async () => {
    await expect(urlSource('http://127.0.0.1:1/disk.img')).rejects.toThrow(/disk\.img: cannot be fetched: /)
  })

  test('another image meanwhile', async () => {
    const source = await urlSource(url)
    answer = (request, response) => void answerRanges(request, response, '"2"')
    await expect(source.read(2_000_000, 10)).rejects.toThrow(`${url}: the image changed while it was read`)
    answer = (request, response) => void answerRanges(request, response)
    expect((await source.read(2_000_000, 10)).length).toBe(10)
  })
})
