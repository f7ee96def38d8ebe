<?php
// Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.
//
//     REFERENCE_SECRET=... php sign.php CUSTOMER_REFERENCE
//
// Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
declare(strict_types=1);

/** $customerReference: exactly as the page passes it, unique and for good; at most 255 bytes. */
function sign_reference(string $secret, string $customerReference): string
{
    // A line break in it could make the signature one of an API request. The pattern also fails on what is not UTF-8.
    if (strlen($customerReference) > 255 || preg_match('/^[^\x00-\x1f\x7f-\x9f\x{2028}\x{2029}]+$/Du', $customerReference) !== 1) {
        throw new InvalidArgumentException("that is no customer reference");
    }
    return base64_encode(hash_hmac("sha256", $customerReference, read_secret($secret), true));
}

/** The key is the text as it was shown, with all that it begins with. */
function read_secret(string $secret): string
{
    return preg_match('/^[!-~]{32,128}$/D', $secret) ? $secret : throw new InvalidArgumentException("that is not the secret");
}

if ($argc !== 2) {
    fwrite(STDERR, "usage: sign.php CUSTOMER_REFERENCE\n");
    exit(2);
}
echo sign_reference((string) getenv("REFERENCE_SECRET"), $argv[1]), "\n";
