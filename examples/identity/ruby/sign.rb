# Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.
#
#     IDENTITY_SECRET=... ruby sign.rb CP_ID CP_DEPLOYMENT_ID [EMAIL]
#
# Sign anew for each page view: a signature is good once, for a minute.
require "openssl"
require "securerandom"

# email: exactly as the page passes it in customerInfo; empty for an anonymous user.
def sign_identity(secret, cp_id, cp_deployment_id, email = "")
  key = decode_secret(secret)
  timestamp = Time.now.to_i
  nonce = SecureRandom.hex(16)
  text = [timestamp, cp_id, cp_deployment_id, email, nonce].join(":")
  mac = [OpenSSL::HMAC.digest("SHA256", key, text)].pack("m0")
  [timestamp, mac, nonce].join(":")
end

def decode_secret(secret)
  secret.unpack1("m0").tap { |key| raise ArgumentError, "that is not the secret" if key.bytesize < 16 }
end

if $PROGRAM_NAME == __FILE__
  abort "usage: sign.rb CP_ID CP_DEPLOYMENT_ID [EMAIL]" unless ARGV.length.between?(2, 3)
  puts sign_identity(ENV.fetch("IDENTITY_SECRET"), *ARGV)
end
