// Uploads a file with tus-js-client as told on the command line, and prints what became of it as JSON.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { endpoint, token, path, modules, stopAt, ...options } = JSON.parse(process.argv[2])
const { Upload } = createRequire(modules + '/')('tus-js-client')

let statuses = []
const upload = new Upload(readFileSync(path), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  retryDelays: Array(60).fill(50),
  storeFingerprintForResuming: false,
  onAfterResponse: (request, response) => statuses.push(`${request.getMethod()} ${response.getStatus()}`),
  onError: (error) => {
    console.log(JSON.stringify({ error: String(error), url: upload.url, statuses }))
    process.exitCode = 1
  },
  onChunkComplete: (_, accepted) => {
    if (stopAt && accepted >= stopAt) {
      upload.abort()
      console.log(JSON.stringify({ url: upload.url, accepted, statuses }))
    }
  },
  onSuccess: () => console.log(JSON.stringify({ url: upload.url, statuses })),
  ...options,
})
upload.start()
