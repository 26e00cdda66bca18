// A receiver of relay's webhooks with Node only (18 or newer), no packages.
//
//     WEBHOOK_SECRET=whsec_... node receiver.mjs [PORT] [FILE]
//
// Keeps the newest record of each subject in a JSON file, which stands for your database: there, the id and the
// record are one transaction, and the upsert is `... ON CONFLICT DO UPDATE ... WHERE excluded.revision > revision`.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

const TOLERANCE_S = 300
const LARGEST_BODY = 1048576
const [port = '8099', file = 'calls.json'] = process.argv.slice(2)
const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64')

// Whoever sent this knows the secret, and sent it within the last five minutes.
function isGenuine(headers, body) {
  const id = headers['webhook-id'] ?? ''
  const sentAt = headers['webhook-timestamp'] ?? ''
  if (!/^\d+$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > TOLERANCE_S) return false
  const digest = createHmac('sha256', key).update(`${id}.${sentAt}.`).update(body).digest('base64')
  const wanted = Buffer.from(`v1,${digest}`)
  // Several signatures stand side by side while a secret is replaced; any one will do.
  return (headers['webhook-signature'] ?? '').split(' ').some((one) => {
    const given = Buffer.from(one)
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  })
}

class Store {
  constructor(path) {
    this.path = path
    const kept = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { seen: [], records: [] }
    this.seen = new Set(kept.seen)
    this.records = new Map(kept.records.map((record) => [record.subject, record]))
  }

  // Keep an event unless it was taken before, and its record only where it is newer than what is known.
  take(event) {
    if (this.seen.has(event.id)) return
    this.seen.add(event.id)
    const { subject, data } = event
    if (data.revision > (this.records.get(subject)?.revision ?? 0)) {
      // Two calls proved to be one (call.merged): this one ends, the other stands for both.
      const absorbed_into = data.absorbed_into ?? null
      this.records.set(subject, { subject, revision: data.revision, absorbed_into, data })
    }
    this.save()
  }

  // On the disk before the answer: what was answered with 2xx never comes again.
  save() {
    const kept = { seen: [...this.seen], records: [...this.records.values()] }
    const made = openSync(`${this.path}.new`, 'w')
    writeFileSync(made, JSON.stringify(kept))
    fsyncSync(made)
    closeSync(made)
    renameSync(`${this.path}.new`, this.path)
  }
}

// The bytes as they came: a parsed and written body has another signature. Null where they are too many.
async function bodyOf(request) {
  const pieces = []
  let length = 0
  for await (const piece of request) {
    length += piece.length
    if (length > LARGEST_BODY) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

// Verify, keep, answer; slow work belongs behind the answer.
async function statusOf(request) {
  if (request.method !== 'POST') return 405
  const body = await bodyOf(request)
  if (body === null) return 413
  if (!isGenuine(request.headers, body)) return 401
  store.take(JSON.parse(body))
  return 204
}

const store = new Store(file)
const server = createServer(async (request, response) => {
  try {
    response.writeHead(await statusOf(request)).end()
  } catch (error) {
    console.error(error)
    response.writeHead(500).end() // relay sends it again
  }
})
// Longer than relay keeps an idle connection, so that none is closed just as a request is on its way.
server.keepAliveTimeout = 120_000
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`)
})
