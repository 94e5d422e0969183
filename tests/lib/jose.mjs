// usage: node jose.mjs FOLDER open|seal KEY FILE
// Opens the sealed line in FILE, or seals a record under the tags of that line, with the npm packages jose and node-jose of
// FOLDER/node_modules, and prints what each gives, a line each.  KEY is a level key as JWK, or a private key in PEM; to the
// latter jose alone seals, as node-jose writes no apu and apv.
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
const jwk = pem ? createPrivateKey(keyText).export({ format: 'jwk' }) : JSON.parse(keyText);
const alg = pem ? 'ECDH-ES+A256KW' : 'A256KW';
const secret = pem ? await jose.importJWK(jwk, alg) : new Uint8Array(Buffer.from(jwk.k, 'base64url'));
const line = JSON.parse(readFileSync(file, 'utf8'));
const header = JSON.parse(Buffer.from(line.protected, 'base64url'));
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
	if (pem) made.setKeyManagementParameters({ apu: Buffer.from(apu, 'base64url'), apv: Buffer.from(apv, 'base64url') });
	console.log(JSON.stringify({ ehr: fields.ehr, ...(await made.encrypt(to)) }));
	if (!pem) {
		const options = { format: 'flattened', fields, contentAlg: 'A256GCM', protect: Object.keys(fields) };
		const recipient = { key: await nodeKey(), reference: null, header: {} };
		const other = await nodeJose.JWE.createEncrypt(options, recipient).update(record).final();
		console.log(JSON.stringify({ ehr: fields.ehr, ...other }));
	}
}
