// Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.
//
//     DEPLOYMENT_KEY="$(cat key.jwk)" java Sign.java DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;

import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPrivateKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.regex.Pattern;

public final class Sign {
    private static final Base64.Encoder BASE64URL = Base64.getUrlEncoder().withoutPadding();
    private static final Pattern D = Pattern.compile("\"d\"\\s*:\\s*\"([A-Za-z0-9_-]+)\"");

    /** uid: your user; null for an anonymous visit. The token is good for five minutes. */
    public static String signDeployment(PrivateKey key, String deployerId, String integrationId, String ownerId, String uid)
            throws GeneralSecurityException {
        var ids = new LinkedHashMap<String, String>();
        ids.put("deployer_id", deployerId);
        ids.put("integration_id", integrationId);
        ids.put("owner_id", ownerId);
        if (uid != null) {
            ids.put("uid", uid);
        }
        var now = Instant.now().getEpochSecond();
        var properties = ids.entrySet().stream()
                .map(id -> quote(id.getKey()) + ":" + quote(id.getValue()))
                .collect(joining(",", "{", ",\"iat\":" + now + ",\"exp\":" + (now + 300) + "}"));
        var header = BASE64URL.encodeToString("{\"alg\":\"ES512\"}".getBytes(UTF_8));
        var signingInput = header + "." + BASE64URL.encodeToString(properties.getBytes(UTF_8));
        // RFC 7518 section 3.4: r and s side by side, 66 bytes each. SHA512withECDSA alone would give DER.
        var signer = Signature.getInstance("SHA512withECDSAinP1363Format");
        signer.initSign(key);
        signer.update(signingInput.getBytes(US_ASCII));
        return signingInput + "." + BASE64URL.encodeToString(signer.sign());
    }

    /** The key of a P-521 JWK, of which signing needs the member d alone. */
    public static PrivateKey readKey(String privateJwk) throws GeneralSecurityException {
        var d = D.matcher(privateJwk);
        if (!d.find()) {
            throw new IllegalArgumentException("not a private JWK");
        }
        var curve = AlgorithmParameters.getInstance("EC");
        curve.init(new ECGenParameterSpec("secp521r1"));
        var number = new BigInteger(1, Base64.getUrlDecoder().decode(d.group(1)));
        return KeyFactory.getInstance("EC")
                .generatePrivate(new ECPrivateKeySpec(number, curve.getParameterSpec(ECParameterSpec.class)));
    }

    private static String quote(String text) {
        var json = new StringBuilder("\"");
        for (var unit : text.toCharArray()) {
            if (unit == '"' || unit == '\\' || unit < ' ') {
                json.append(String.format("\\u%04x", (int) unit));
            } else {
                json.append(unit);
            }
        }
        return json.append('"').toString();
    }

    public static void main(String[] args) throws GeneralSecurityException {
        if (args.length < 3 || args.length > 4) {
            System.err.println("usage: java Sign.java DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]");
            System.exit(2);
        }
        var key = readKey(System.getenv("DEPLOYMENT_KEY"));
        System.out.println(signDeployment(key, args[0], args[1], args[2], args.length > 3 ? args[3] : null));
    }
}
