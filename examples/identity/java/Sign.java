// Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... java Sign.java CP_ID CP_DEPLOYMENT_ID [EMAIL]
//
// Sign anew for each page view: a signature is good once, for a minute.
import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Sign {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** email: exactly as the page passes it in customerInfo; empty for an anonymous user. */
    public static String signIdentity(String secret, String cpId, String cpDeploymentId, String email)
            throws GeneralSecurityException {
        var octets = new byte[16];
        RANDOM.nextBytes(octets);
        var nonce = HexFormat.of().formatHex(octets);
        var timestamp = Long.toString(Instant.now().getEpochSecond());
        var text = String.join(":", timestamp, cpId, cpDeploymentId, email, nonce);
        var hmac = Mac.getInstance("HmacSHA256");
        hmac.init(decodeSecret(secret));
        var mac = Base64.getEncoder().encodeToString(hmac.doFinal(text.getBytes(UTF_8)));
        return String.join(":", timestamp, mac, nonce);
    }

    private static SecretKeySpec decodeSecret(String secret) {
        var octets = Base64.getDecoder().decode(secret);
        if (octets.length < 16) {
            throw new IllegalArgumentException("that is not the secret");
        }
        return new SecretKeySpec(octets, "HmacSHA256");
    }

    public static void main(String[] args) throws GeneralSecurityException {
        if (args.length < 2 || args.length > 3) {
            System.err.println("usage: java Sign.java CP_ID CP_DEPLOYMENT_ID [EMAIL]");
            System.exit(2);
        }
        var email = args.length > 2 ? args[2] : "";
        System.out.println(signIdentity(System.getenv("IDENTITY_SECRET"), args[0], args[1], email));
    }
}
