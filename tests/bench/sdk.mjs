// sdk.mjs FILE URL: what a careful user writes with the official SDK: csv-parse, a thousand operations a batch, ten in flight.
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const { TrackClient } = require('customerio-node');
const { parse } = require('csv-parse');

const [file, url] = process.argv.slice(2);
const client = new TrackClient('sandbox', 'sandbox', { url: url + '/api/v1' });
const inFlight = new Set();
let batch = [];

async function send() {
	const sent = client.batch(batch).finally(() => inFlight.delete(sent));
	inFlight.add(sent);
	batch = [];
	if (inFlight.size >= 10)
		await Promise.race(inFlight);
}

for await (const { id, ...attributes } of createReadStream(file).pipe(parse({ columns: true }))) {
	batch.push({ type: 'person', identifiers: { id }, action: 'identify', attributes });
	if (batch.length === 1000)
		await send();
}
if (batch.length)
	await send();
await Promise.all(inFlight);
