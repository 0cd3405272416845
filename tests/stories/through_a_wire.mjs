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
  onError: (error) => end({ error: String(error), url: upload.url }),
  onSuccess: () => end({ url: upload.url }),
})

// A request that was refused before its body was sent stays open for ever, and would keep this process.
function end(result) {
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}

upload.start()
