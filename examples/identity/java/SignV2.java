// Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... IDENTITY_KEY_ID=... java SignV2.java CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...
//
// Sign anew for each page view: a signature is good once, for a minute.
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class SignV2 {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final SecretKeySpec key;
    private final String keyId;

    /** secret, keyId: as they were shown when the secret was made. */
    public SignV2(String secret, String keyId) {
        this.key = decodeSecret(secret);
        this.keyId = keyId;
    }

    /** fields: all of customerInfo, and page and locale if the page passes them. origin: of the page; empty for any. */
    public String sign(String cpId, String cpDeploymentId, Map<String, String> fields, String origin)
            throws GeneralSecurityException {
        var octets = new byte[16];
        RANDOM.nextBytes(octets);
        var nonce = HexFormat.of().formatHex(octets);
        var timestamp = Long.toString(Instant.now().getEpochSecond());
        var digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(canonical(fields).getBytes(UTF_8)));
        var email = fields.getOrDefault("email", "");
        var signed = Stream.of("accredit-identity-v2", keyId, timestamp, nonce, cpId, cpDeploymentId, email, digest, origin)
                .map(SignV2::quote)
                .collect(joining(",", "[", "]"));
        var hmac = Mac.getInstance("HmacSHA256");
        hmac.init(key);
        var mac = Base64.getUrlEncoder().withoutPadding().encodeToString(hmac.doFinal(signed.getBytes(UTF_8)));
        return String.join(".", "v2", keyId, timestamp, nonce, mac);
    }

    /** RFC 8785: sorted by name. Browsers post the line ends of a form as CR LF; what is empty counts as absent. */
    private static String canonical(Map<String, String> fields) {
        return new TreeMap<>(fields).entrySet().stream()
                .filter(field -> !field.getValue().isEmpty())
                .map(field -> quote(field.getKey()) + ":" + quote(field.getValue().replaceAll("\r\n?", "\n")))
                .collect(joining(",", "{", "}"));
    }

    /** RFC 8785 section 3.2.2.2. */
    private static String quote(String text) {
        var json = new StringBuilder("\"");
        for (var unit : text.toCharArray()) {
            switch (unit) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\b' -> json.append("\\b");
                case '\t' -> json.append("\\t");
                case '\n' -> json.append("\\n");
                case '\f' -> json.append("\\f");
                case '\r' -> json.append("\\r");
                default -> json.append(unit < ' ' ? String.format("\\u%04x", (int) unit) : String.valueOf(unit));
            }
        }
        return json.append('"').toString();
    }

    private static SecretKeySpec decodeSecret(String secret) {
        var octets = Base64.getDecoder().decode(secret);
        if (octets.length < 16) {
            throw new IllegalArgumentException("that is not the secret");
        }
        return new SecretKeySpec(octets, "HmacSHA256");
    }

    public static void main(String[] args) throws GeneralSecurityException {
        if (args.length < 3) {
            System.err.println("usage: java SignV2.java CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...");
            System.exit(2);
        }
        var fields = new TreeMap<String, String>();
        for (var pair : List.of(args).subList(3, args.length)) {
            var parts = pair.split("=", 2);
            fields.put(parts[0], parts[1]);
        }
        var signer = new SignV2(System.getenv("IDENTITY_SECRET"), System.getenv("IDENTITY_KEY_ID"));
        System.out.println(signer.sign(args[0], args[1], fields, args[2]));
    }
}
