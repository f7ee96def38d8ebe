<?php
// Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... IDENTITY_KEY_ID=... php sign_v2.php CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...
//
// Sign anew for each page view: a signature is good once, for a minute.
declare(strict_types=1);

/**
 * $fields: all of customerInfo, and page and locale if the page passes them. $origin: of the page; empty for any.
 *
 * @param array<string, string> $fields
 */
function sign_identity_v2(
    string $secret,
    string $keyId,
    string $cpId,
    string $cpDeploymentId,
    array $fields,
    string $origin = "",
): string {
    $key = decode_secret($secret);
    $timestamp = (string) time();
    $nonce = bin2hex(random_bytes(16));
    // RFC 8785: sorted by name. Browsers post the line ends of a form as CR LF; what is empty counts as absent.
    $texts = array_map(fn ($value) => str_replace(["\r\n", "\r"], "\n", $value), array_filter($fields, "strlen"));
    ksort($texts, SORT_STRING);
    $digest = hash("sha256", canonical((object) $texts));
    $email = $fields["email"] ?? "";
    $signed = ["accredit-identity-v2", $keyId, $timestamp, $nonce, $cpId, $cpDeploymentId, $email, $digest, $origin];
    $mac = base64_encode(hash_hmac("sha256", canonical($signed), $key, true));
    return implode(".", ["v2", $keyId, $timestamp, $nonce, rtrim(strtr($mac, "+/", "-_"), "=")]);
}

function canonical(array|object $value): string
{
    $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS;
    return json_encode($value, $flags | JSON_THROW_ON_ERROR);
}

function decode_secret(string $secret): string
{
    $key = (string) base64_decode($secret, true);
    return strlen($key) >= 16 ? $key : throw new InvalidArgumentException("that is not the secret");
}

if ($argc < 4) {
    fwrite(STDERR, "usage: sign_v2.php CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...\n");
    exit(2);
}
[, $cpId, $cpDeploymentId, $origin] = $argv;
$fields = [];
foreach (array_slice($argv, 4) as $pair) {
    [$name, $value] = explode("=", $pair, 2);
    $fields[$name] = $value;
}
[$secret, $keyId] = [(string) getenv("IDENTITY_SECRET"), (string) getenv("IDENTITY_KEY_ID")];
echo sign_identity_v2($secret, $keyId, $cpId, $cpDeploymentId, $fields, $origin), "\n";
