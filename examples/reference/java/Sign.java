// Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.
//
//     REFERENCE_SECRET=... java Sign.java CUSTOMER_REFERENCE
//
// Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Sign {
    private static final Pattern FIT = Pattern.compile("[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\p{Cs}]+");

    /** customerReference: exactly as the page passes it, unique and for good; at most 255 bytes. */
    public static String signReference(String secret, String customerReference) throws GeneralSecurityException {
        var message = customerReference.getBytes(UTF_8);
        // A line break in it could make the signature one of an API request.
        if (message.length > 255 || !FIT.matcher(customerReference).matches()) {
            throw new IllegalArgumentException("that is no customer reference");
        }
        var hmac = Mac.getInstance("HmacSHA256");
        hmac.init(readSecret(secret));
        return Base64.getEncoder().encodeToString(hmac.doFinal(message));
    }

    /** The key is the text as it was shown, with all that it begins with. */
    private static SecretKeySpec readSecret(String secret) {
        if (secret == null || !secret.matches("[!-~]{32,128}")) {
            throw new IllegalArgumentException("that is not the secret");
        }
        return new SecretKeySpec(secret.getBytes(US_ASCII), "HmacSHA256");
    }

    public static void main(String[] args) throws GeneralSecurityException {
        if (args.length != 1) {
            System.err.println("usage: java Sign.java CUSTOMER_REFERENCE");
            System.exit(2);
        }
        System.out.println(signReference(System.getenv("REFERENCE_SECRET"), args[0]));
    }
}
