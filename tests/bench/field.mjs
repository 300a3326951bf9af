// field.mjs seed|p-queue FILE URL RATE: what people write around the official SDK to keep below a rate, for single requests.
// seed: a token bucket that holds RATE tokens at first, one request at a time, five attempts; p-queue: ten in flight, RATE a
// second, attempts again outside of the queue. Prints how many records were lost.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [how, file, url, rate] = process.argv.slice(2);
const { TrackClient } = createRequire(process.cwd() + '/')('customerio-node');
const client = new TrackClient('sandbox', 'sandbox', { url: url + '/api/v1' });
const lines = readFileSync(file, 'utf8').trim().split('\n');
const names = lines.shift().split(',');
const sleep = ms => new Promise(wake => setTimeout(wake, ms));
let lost = 0;

async function send(line) {
	const cells = line.split(',');
	const attributes = Object.fromEntries(names.map((name, i) => [name, cells[i]]));
	for (let attempt = 0; attempt < 5; attempt++) {
		try {
			return await client.identify(cells[0], attributes);
		} catch {
			await sleep(1000 * 2 ** attempt);
		}
	}
	lost++;
}

class TokenBucket {
	constructor(size, aSecond) {
		Object.assign(this, { size, aSecond, tokens: size, last: Date.now() });
	}

	async take() {
		const now = Date.now();
		this.tokens = Math.min(this.size, this.tokens + (now - this.last) / 1000 * this.aSecond);
		this.last = now;
		if (this.tokens >= 1) {
			this.tokens--;
			return;
		}
		await sleep(Math.ceil((1 - this.tokens) / this.aSecond * 1000));
		this.tokens = 0;
		this.last = Date.now();
	}
}

if (how === 'seed') {
	const bucket = new TokenBucket(+rate, +rate);
	for (const line of lines) {
		await bucket.take();
		await send(line);
	}
} else {
	const { default: PQueue } = await import(join(process.cwd(), 'node_modules/p-queue/dist/index.js'));
	const queue = new PQueue({ concurrency: 10, interval: 1000, intervalCap: +rate });
	await queue.addAll(lines.map(line => () => send(line)));
}
console.log(lost);
