// Uploads a file with tus-js-client through another address than the vault's own, and prints what became of it.
import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'

const { wire, token, path, name, modules, chunkSize } = JSON.parse(process.argv[2])
const { Upload } = createRequire(modules + '/')('tus-js-client')

const upload = new Upload(createReadStream(path), {
  endpoint: `${wire}/uploads`,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: name },
  chunkSize,
  retryDelays: Array(400).fill(100),
  storeFingerprintForResuming: false,
  onShouldRetry: () => true,
  onUploadUrlAvailable: () => {
    upload.url = wire + new URL(upload.url).pathname
  },
  onError: (error) => {
    console.log(JSON.stringify({ error: String(error), url: upload.url }))
    process.exitCode = 1
  },
  onSuccess: () => console.log(JSON.stringify({ url: upload.url })),
})
upload.start()
