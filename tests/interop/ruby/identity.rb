# Identity signatures as a customer's Ruby backend makes them. Reads one JSON object, writes one.
require "base64"
require "json"
require "openssl"

given = JSON.parse($stdin.read)
secret = Base64.strict_decode64(given["secret"])
now, nonce, kid, ids, fields = given.values_at("now", "nonce", "kid", "ids", "fields")
email = fields.fetch("email", "")

text = [now, *ids, email, nonce].join(":")
v1 = [now, Base64.strict_encode64(OpenSSL::HMAC.digest("SHA256", secret, text)), nonce].join(":")

hash = OpenSSL::Digest.hexdigest("SHA256", JSON.generate(fields.transform_values(&:to_s).sort.to_h))
text = JSON.generate(["accredit-identity-v2", kid, now.to_s, nonce, *ids, email, hash, given["origin"]])
mac = Base64.urlsafe_encode64(OpenSSL::HMAC.digest("SHA256", secret, text), padding: false)
puts JSON.generate("v1" => v1, "v2" => ["v2", kid, now, nonce, mac].join("."))
