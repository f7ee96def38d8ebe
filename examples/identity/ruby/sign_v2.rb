# Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.
#
#     IDENTITY_SECRET=... IDENTITY_KEY_ID=... ruby sign_v2.rb CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...
#
# Sign anew for each page view: a signature is good once, for a minute.
require "json"
require "openssl"
require "securerandom"

# fields: all of customerInfo, and page and locale if the page passes them. origin: of the page; empty for any.
def sign_identity_v2(secret, key_id, cp_id, cp_deployment_id, fields, origin = "")
  timestamp = Time.now.to_i.to_s
  nonce = SecureRandom.hex(16)
  # RFC 8785: sorted by name. Browsers post the line ends of a form as CR LF; what is empty counts as absent.
  texts = fields.reject { |_, value| value.empty? }.transform_values { |value| value.gsub(/\r\n?/, "\n") }.sort.to_h
  digest = OpenSSL::Digest.hexdigest("SHA256", JSON.generate(texts))
  email = fields.fetch("email", "")
  signed = ["accredit-identity-v2", key_id, timestamp, nonce, cp_id, cp_deployment_id, email, digest, origin]
  mac = OpenSSL::HMAC.digest("SHA256", decode_secret(secret), JSON.generate(signed))
  ["v2", key_id, timestamp, nonce, [mac].pack("m0").tr("+/", "-_").delete("=")].join(".")
end

def decode_secret(secret)
  secret.unpack1("m0").tap { |key| raise ArgumentError, "that is not the secret" if key.bytesize < 16 }
end

if $PROGRAM_NAME == __FILE__
  abort "usage: sign_v2.rb CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]..." if ARGV.length < 3
  cp_id, cp_deployment_id, origin, *pairs = ARGV
  fields = pairs.to_h { |pair| pair.split("=", 2) }
  puts sign_identity_v2(ENV.fetch("IDENTITY_SECRET"), ENV.fetch("IDENTITY_KEY_ID"), cp_id, cp_deployment_id, fields, origin)
end
