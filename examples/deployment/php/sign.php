<?php
// Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.
//
//     DEPLOYMENT_KEY="$(cat key.jwk)" php sign.php DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]
declare(strict_types=1);

/**
 * $uid: your user; null for an anonymous visit. The token is good for five minutes.
 *
 * @param array<string, mixed> $privateJwk
 */
function sign_deployment(
    array $privateJwk,
    string $deployerId,
    string $integrationId,
    string $ownerId,
    ?string $uid = null,
): string {
    $now = time();
    $properties = ["deployer_id" => $deployerId, "integration_id" => $integrationId, "owner_id" => $ownerId];
    $properties += ($uid === null ? [] : ["uid" => $uid]) + ["iat" => $now, "exp" => $now + 300];
    $parts = array_map(fn ($part) => base64url(json_encode($part, JSON_THROW_ON_ERROR)), [["alg" => "ES512"], $properties]);
    $signingInput = implode(".", $parts);
    if (!openssl_sign($signingInput, $der, pem($privateJwk), OPENSSL_ALGO_SHA512)) {
        throw new RuntimeException("cannot sign: " . openssl_error_string());
    }
    return $signingInput . "." . base64url(raw_signature($der));
}

/** RFC 5915: a P-521 private key as OpenSSL reads it. */
function pem(array $privateJwk): string
{
    $d = base64_decode(strtr($privateJwk["d"], "-_", "+/"));
    $der = hex2bin("30500201010442") . $d . hex2bin("a00706052b81040023");
    return "-----BEGIN EC PRIVATE KEY-----\n" . chunk_split(base64_encode($der), 64, "\n") . "-----END EC PRIVATE KEY-----\n";
}

/** RFC 7518 section 3.4: r and s side by side, 66 bytes each. OpenSSL gives them as DER. */
function raw_signature(string $der): string
{
    $at = ord($der[1]) === 0x81 ? 3 : 2;
    $raw = "";
    foreach (["r", "s"] as $number) {
        $length = ord($der[$at + 1]);
        $raw .= str_pad(ltrim(substr($der, $at + 2, $length), "\0"), 66, "\0", STR_PAD_LEFT);
        $at += 2 + $length;
    }
    return $raw;
}

function base64url(string $octets): string
{
    return rtrim(strtr(base64_encode($octets), "+/", "-_"), "=");
}

if ($argc < 4 || $argc > 5) {
    fwrite(STDERR, "usage: sign.php DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]\n");
    exit(2);
}
$privateJwk = json_decode((string) getenv("DEPLOYMENT_KEY"), true, 8, JSON_THROW_ON_ERROR);
echo sign_deployment($privateJwk, ...array_slice($argv, 1)), "\n";
