// usage: node jose.mjs FOLDER open|seal|verify|sign KEY FILE
// Opens the sealed line in FILE, or seals a record under the tags of that line, with the npm packages jose and node-jose of
// FOLDER/node_modules, and prints what each gives, a line each.  KEY is a level key as JWK, or a private key in PEM; to the
// latter jose alone seals, as node-jose writes no apu and apv.  `open` prints the text that is in the line, whatever it is.
// `verify` prints the payload of the compact JWS in FILE under the public JWK in KEY, and the thumbprint of that key; `sign`
// signs the JSON in FILE with the private key in KEY, as the header of FILE.header says.
import { createPrivateKey } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

const [folder, verb, keyFile, file] = process.argv.slice(2);
const require = createRequire(pathToFileURL(resolve(folder, 'x.js')));
const jose = await import(pathToFileURL(require.resolve('jose')));
const nodeJose = require('node-jose');
const pem = keyFile.endsWith('.pem');
const keyText = readFileSync(keyFile, 'utf8');
const text = readFileSync(file, 'utf8').trim();

if (verb === 'verify') {
	const { kty, crv, x, y } = JSON.parse(keyText);
	const key = await nodeJose.JWK.asKey({ kty, crv, x, y });
	const { payload } = await jose.compactVerify(text, await jose.importJWK({ kty, crv, x, y }, 'ES256'), { algorithms: ['ES256'] });
	console.log(Buffer.from(payload).toString());
	console.log((await nodeJose.JWS.createVerify(key, { algorithms: ['ES256'] }).verify(text)).payload.toString());
	console.log(await jose.calculateJwkThumbprint({ kty, crv, x, y }));
	console.log(Buffer.from(await key.thumbprint('SHA-256')).toString('base64url'));
	process.exit(0);
}
if (verb === 'sign') {
	const fields = JSON.parse(readFileSync(file + '.header', 'utf8'));
	const { kty, crv, x, y, d } = createPrivateKey(keyText).export({ format: 'jwk' });
	const key = await nodeJose.JWK.asKey({ kty, crv, x, y, d, kid: fields.kid });
	console.log(await new jose.CompactSign(Buffer.from(text)).setProtectedHeader(fields).sign(await jose.importJWK({ kty, crv, x, y, d }, 'ES256')));
	console.log(await nodeJose.JWS.createSign({ format: 'compact', fields }, { key, reference: false }).update(text).final());
	process.exit(0);
}

const jwk = pem ? createPrivateKey(keyText).export({ format: 'jwk' }) : JSON.parse(keyText);
const alg = pem ? 'ECDH-ES+A256KW' : 'A256KW';
const secret = pem ? await jose.importJWK(jwk, alg) : new Uint8Array(Buffer.from(jwk.k, 'base64url'));
const line = JSON.parse(readFileSync(file, 'utf8'));
const header = JSON.parse(Buffer.from(line.protected, 'base64url'));
// From version 2 on the tags stand in the line alone: a library is given them as `aad`, byte for byte as JSON writes them.
const once = line.ehr.v >= 2;
const aad = Buffer.from(JSON.stringify(line.ehr));
if (once) line.aad = aad.toString('base64url');
// A line of ours from what a library made: it has no `aad`.
const asLine = ({ aad, ...made }) => console.log(JSON.stringify({ ehr: line.ehr, ...made }));
const record = '{"a":1.0}';

async function nodeKey() {
	const { kty, crv, x, y, d, k } = jwk;
	return nodeJose.JWK.asKey({ kty, crv, x, y, d, k, kid: header.kid });
}

if (verb === 'open') {
	const limits = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: ['A256GCM'] };
	console.log(Buffer.from((await jose.flattenedDecrypt(line, secret, limits)).plaintext).toString());
	console.log((await nodeJose.JWE.createDecrypt(await nodeKey()).decrypt(line)).plaintext.toString());
} else {
	const { epk, apu, apv, ...fields } = header;
	const to = pem ? await jose.importJWK({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }, alg) : secret;
	const made = new jose.FlattenedEncrypt(Buffer.from(record)).setProtectedHeader(fields);
	if (once) made.setAdditionalAuthenticatedData(aad);
	if (pem) made.setKeyManagementParameters({ apu: Buffer.from(apu, 'base64url'), apv: Buffer.from(apv, 'base64url') });
	asLine(await made.encrypt(to));
	if (!pem) {
		const options = { format: 'flattened', fields, contentAlg: 'A256GCM', protect: Object.keys(fields), ...(once && { aad }) };
		const recipient = { key: await nodeKey(), reference: null, header: {} };
		const other = await nodeJose.JWE.createEncrypt(options, recipient).update(record).final();
		asLine(other);
	}
}
