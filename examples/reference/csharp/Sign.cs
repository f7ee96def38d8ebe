// Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.
//
//     REFERENCE_SECRET=... dotnet run Sign.cs CUSTOMER_REFERENCE
//
// Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
using System;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: dotnet run Sign.cs CUSTOMER_REFERENCE");
    return 2;
}
var secret = Environment.GetEnvironmentVariable("REFERENCE_SECRET")
    ?? throw new InvalidOperationException("REFERENCE_SECRET is not set");
Console.WriteLine(Reference.Sign(secret, args[0]));
return 0;

public static class Reference
{
    /// <param name="customerReference">exactly as the page passes it, unique and for good; at most 255 bytes</param>
    public static string Sign(string secret, string customerReference)
    {
        // Throws on half a character.
        var message = new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(customerReference);
        // A line break in it could make the signature one of an API request.
        if (message.Length is < 1 or > 255 || Regex.IsMatch(customerReference, @"[\x00-\x1f\x7f-\x9f\u2028\u2029]"))
        {
            throw new ArgumentException("that is no customer reference", nameof(customerReference));
        }
        return Convert.ToBase64String(HMACSHA256.HashData(ReadSecret(secret), message));
    }

    /// <summary>The key is the text as it was shown, with all that it begins with.</summary>
    private static byte[] ReadSecret(string secret) =>
        Regex.IsMatch(secret, @"\A[!-~]{32,128}\z")
            ? Encoding.ASCII.GetBytes(secret)
            : throw new ArgumentException("that is not the secret", nameof(secret));
}
