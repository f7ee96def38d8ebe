// The code that the original prints for its clients, letter for letter. Its page lost the clock and what is done with the MAC; both
// are given back as protocol-boot.md says.
    const createSignature = (cpId: string, cpDeploymentId: string, userEmail: string = '') => {
      // nonce     - a random string from 30 characters to 50 characters long. It's use is to prevent
      //             replay attack and statistical attack (eg. a rainbow table).
      //             It functions similar to a salt in hashing.
      // timestamp - an integer in string form of Unix epoch time (number of seconds
      //             since 1/1/1970). This also prevents replay attacks since it
      //             forces a recalculation for each request. The server should
      //             reject requests more than a specified amount of time out of sync
      //             (eg. 1 minute) to avoid reuse of old requests.
      // secretKey - secret_key provided by mmob
      const value = `${cpId}:${cpDeploymentId}:${userEmail}`;
      const timeStamp: number = Math.floor(Date.now() / 1000);
      const algorithmHMAC: string = 'sha256';
      const nonce: string = crypto.randomBytes(16).toString('hex');
      const secretKey = 'secret_key';
      const secretByteArray = Buffer.from(secretKey, 'base64');
      const signatureRawData = `${timeStamp.toString()}:${value}:${nonce}`;
      const signatureRawDataBuffer = Buffer.from(signatureRawData, 'utf-8');
      const signatureBytes = crypto
        .createHmac(algorithmHMAC, secretByteArray)
        .update(signatureRawDataBuffer)
        .digest();
      const base64SignatureBytes = signatureBytes.toString('base64');
      const hmacValue = `${timeStamp.toString()}:${base64SignatureBytes}:${nonce}`;
      return hmacValue;
    };
