<?php
// Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... php sign.php CP_ID CP_DEPLOYMENT_ID [EMAIL]
//
// Sign anew for each page view: a signature is good once, for a minute.
declare(strict_types=1);

/** $email: exactly as the page passes it in customerInfo; empty for an anonymous user. */
function sign_identity(string $secret, string $cpId, string $cpDeploymentId, string $email = ""): string
{
    $key = decode_secret($secret);
    $timestamp = time();
    $nonce = bin2hex(random_bytes(16));
    $text = implode(":", [$timestamp, $cpId, $cpDeploymentId, $email, $nonce]);
    $mac = base64_encode(hash_hmac("sha256", $text, $key, true));
    return implode(":", [$timestamp, $mac, $nonce]);
}

function decode_secret(string $secret): string
{
    $key = (string) base64_decode($secret, true);
    return strlen($key) >= 16 ? $key : throw new InvalidArgumentException("that is not the secret");
}

if ($argc < 3 || $argc > 4) {
    fwrite(STDERR, "usage: sign.php CP_ID CP_DEPLOYMENT_ID [EMAIL]\n");
    exit(2);
}
echo sign_identity((string) getenv("IDENTITY_SECRET"), ...array_slice($argv, 1)), "\n";
