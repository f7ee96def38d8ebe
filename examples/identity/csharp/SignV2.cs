// Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.
//
//     IDENTITY_SECRET=... IDENTITY_KEY_ID=... dotnet run SignV2.cs CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...
//
// Sign anew for each page view: a signature is good once, for a minute.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

if (args.Length < 3)
{
    Console.Error.WriteLine("usage: dotnet run SignV2.cs CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...");
    return 2;
}
var secret = Environment.GetEnvironmentVariable("IDENTITY_SECRET")
    ?? throw new InvalidOperationException("IDENTITY_SECRET is not set");
var keyId = Environment.GetEnvironmentVariable("IDENTITY_KEY_ID")
    ?? throw new InvalidOperationException("IDENTITY_KEY_ID is not set");
var fields = args.Skip(3).Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
Console.WriteLine(Identity.SignV2(secret, keyId, args[0], args[1], fields, args[2]));
return 0;

public static class Identity
{
    /// <param name="fields">all of customerInfo, and page and locale if the page passes them</param>
    /// <param name="origin">of the page; empty for any</param>
    public static string SignV2(
        string secret,
        string keyId,
        string cpId,
        string cpDeploymentId,
        IReadOnlyDictionary<string, string> fields,
        string origin = "")
    {
        var timestamp = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString();
        var nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(16)).ToLowerInvariant();
        var digest = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Canonical(fields)))).ToLowerInvariant();
        var email = fields.TryGetValue("email", out var given) ? given : "";
        string[] signed = ["accredit-identity-v2", keyId, timestamp, nonce, cpId, cpDeploymentId, email, digest, origin];
        var text = "[" + string.Join(",", signed.Select(Quote)) + "]";
        var mac = HMACSHA256.HashData(DecodeSecret(secret), Encoding.UTF8.GetBytes(text));
        var base64url = Convert.ToBase64String(mac).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        return string.Join(".", "v2", keyId, timestamp, nonce, base64url);
    }

    private static byte[] DecodeSecret(string secret)
    {
        var key = Convert.FromBase64String(secret);
        return key.Length >= 16 ? key : throw new ArgumentException("that is not the secret", nameof(secret));
    }

    // RFC 8785: sorted by name. Browsers post the line ends of a form as CR LF; what is empty counts as absent.
    private static string Canonical(IReadOnlyDictionary<string, string> fields)
    {
        var members = fields
            .Where(field => field.Value != "")
            .OrderBy(field => field.Key, StringComparer.Ordinal)
            .Select(field => $"{Quote(field.Key)}:{Quote(field.Value.Replace("\r\n", "\n").Replace('\r', '\n'))}");
        return "{" + string.Join(",", members) + "}";
    }

    // RFC 8785 section 3.2.2.2; System.Text.Json escapes more than that.
    private static string Quote(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var unit in text)
        {
            json.Append(unit switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\f' => "\\f",
                '\r' => "\\r",
                < ' ' => $"\\u{(int)unit:x4}",
                _ => unit.ToString(),
            });
        }
        return json.Append('"').ToString();
    }
}
