// Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.
//
//     DEPLOYMENT_KEY="$(cat key.jwk)" dotnet run Sign.cs DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]
using System;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

if (args.Length is < 3 or > 4)
{
    Console.Error.WriteLine("usage: dotnet run Sign.cs DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]");
    return 2;
}
var privateJwk = Environment.GetEnvironmentVariable("DEPLOYMENT_KEY")
    ?? throw new InvalidOperationException("DEPLOYMENT_KEY is not set");
using var key = Deployment.ReadKey(privateJwk);
Console.WriteLine(Deployment.Sign(key, args[0], args[1], args[2], args.Length > 3 ? args[3] : null));
return 0;

public static class Deployment
{
    /// <param name="uid">your user; null for an anonymous visit</param>
    /// <returns>a token that is good for five minutes</returns>
    public static string Sign(ECDsa key, string deployerId, string integrationId, string ownerId, string? uid = null)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var properties = new JsonObject
        {
            ["deployer_id"] = deployerId,
            ["integration_id"] = integrationId,
            ["owner_id"] = ownerId,
            ["iat"] = now,
            ["exp"] = now + 300,
        };
        if (uid is not null)
        {
            properties["uid"] = uid;
        }
        var signingInput = Base64Url("""{"alg":"ES512"}""") + "." + Base64Url(properties.ToJsonString());
        // RFC 7518 section 3.4: r and s side by side, 66 bytes each.
        var format = DSASignatureFormat.IeeeP1363FixedFieldConcatenation;
        var signature = key.SignData(Encoding.ASCII.GetBytes(signingInput), HashAlgorithmName.SHA512, format);
        return signingInput + "." + Base64Url(signature);
    }

    /// <summary>The key of a private JWK on P-521.</summary>
    public static ECDsa ReadKey(string privateJwk)
    {
        using var jwk = JsonDocument.Parse(privateJwk);
        byte[] Member(string name) => FromBase64Url(jwk.RootElement.GetProperty(name).GetString()!);
        return ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP521,
            D = Member("d"),
            Q = new ECPoint { X = Member("x"), Y = Member("y") },
        });
    }

    private static string Base64Url(string text) => Base64Url(Encoding.UTF8.GetBytes(text));

    private static string Base64Url(byte[] octets) =>
        Convert.ToBase64String(octets).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static byte[] FromBase64Url(string text) =>
        Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - text.Length % 4) % 4));
}
