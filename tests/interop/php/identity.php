<?php
// Identity signatures as a customer's PHP backend makes them. Reads one JSON object, writes one.
$given = json_decode(stream_get_contents(STDIN), true, 32, JSON_THROW_ON_ERROR);
$write = fn ($value) => json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS);
$secret = base64_decode($given['secret'], true);
[$now, $nonce, $email] = [$given['now'], $given['nonce'], $given['fields']['email'] ?? ''];

$text = implode(':', [$now, ...$given['ids'], $email, $nonce]);
$v1 = $now . ':' . base64_encode(hash_hmac('sha256', $text, $secret, true)) . ':' . $nonce;

$fields = array_map('strval', $given['fields']);
ksort($fields, SORT_STRING);
$hash = hash('sha256', $write((object) $fields));
$text = $write(['accredit-identity-v2', $given['kid'], (string) $now, $nonce, ...$given['ids'], $email, $hash, $given['origin']]);
$mac = rtrim(strtr(base64_encode(hash_hmac('sha256', $text, $secret, true)), '+/', '-_'), '=');
echo $write(['v1' => $v1, 'v2' => implode('.', ['v2', $given['kid'], $now, $nonce, $mac])]);
