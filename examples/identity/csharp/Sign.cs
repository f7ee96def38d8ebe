// Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... dotnet run Sign.cs CP_ID CP_DEPLOYMENT_ID [EMAIL]
//
// Sign anew for each page view: a signature is good once, for a minute.
using System;
using System.Security.Cryptography;
using System.Text;

if (args.Length is < 2 or > 3)
{
    Console.Error.WriteLine("usage: dotnet run Sign.cs CP_ID CP_DEPLOYMENT_ID [EMAIL]");
    return 2;
}
var secret = Environment.GetEnvironmentVariable("IDENTITY_SECRET")
    ?? throw new InvalidOperationException("IDENTITY_SECRET is not set");
Console.WriteLine(Identity.Sign(secret, args[0], args[1], args.Length > 2 ? args[2] : ""));
return 0;

public static class Identity
{
    /// <param name="email">exactly as the page passes it in customerInfo; empty for an anonymous user</param>
    public static string Sign(string secret, string cpId, string cpDeploymentId, string email = "")
    {
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(16)).ToLowerInvariant();
        var text = $"{timestamp}:{cpId}:{cpDeploymentId}:{email}:{nonce}";
        var mac = HMACSHA256.HashData(DecodeSecret(secret), Encoding.UTF8.GetBytes(text));
        return $"{timestamp}:{Convert.ToBase64String(mac)}:{nonce}";
    }

    private static byte[] DecodeSecret(string secret)
    {
        var key = Convert.FromBase64String(secret);
        return key.Length >= 16 ? key : throw new ArgumentException("that is not the secret", nameof(secret));
    }
}
