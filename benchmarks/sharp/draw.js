// Draws each picture that is named as sharp's users do, in one warm process: `node draw.js ROUNDS FILE...`.
// Prints a line of JSON for each file: the CPU seconds of every round.
import { readFileSync } from "node:fs";
import sharp from "sharp";

const EDGES_PX = [96, 320, 1024];
sharp.concurrency(1);
sharp.cache(false);

async function draw(source) {
  const largest = await sharp(source).autoOrient().resize(1024, 1024, { fit: "inside", withoutEnlargement: true }).raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: largest.info.width, height: largest.info.height, channels: largest.info.channels };
  for (const edge of EDGES_PX) {
    await sharp(largest.data, { raw }).resize(edge, edge, { fit: "inside", withoutEnlargement: true })
      .webp({ quality: 80, effort: 2 }).toBuffer();
  }
}

const [rounds, ...paths] = process.argv.slice(2);
for (const path of paths) {
  const source = readFileSync(path);
  await draw(source);
  const seconds = [];
  for (let round = 0; round < Number(rounds); round++) {
    const before = process.cpuUsage();
    await draw(source);
    const used = process.cpuUsage(before);
    seconds.push((used.user + used.system) / 1e6);
  }
  console.log(JSON.stringify(seconds));
}
