// The code that the original prints for its clients, letter for letter; the last line is ours.
import * as jose from 'jose';

async function generateJWS (body, privateKey) {
	const parsedKey = JSON.parse(privateKey);
	const key = await jose.importJWK(parsedKey);

	const signedData = await new jose.CompactSign(
		new TextEncoder().encode(JSON.stringify(body))
	)
	.setProtectedHeader({
		alg: 'ES512'
	})
	.sign(key);

	return signedData;
}

export { generateJWS };
