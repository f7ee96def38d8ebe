# Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.
#
#     DEPLOYMENT_KEY="$(cat key.jwk)" ruby sign.rb DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]
require "json"
require "openssl"

# uid: your user; nil for an anonymous visit. The token is good for five minutes.
def sign_deployment(private_jwk, deployer_id, integration_id, owner_id, uid = nil)
  now = Time.now.to_i
  ids = { deployer_id: deployer_id, integration_id: integration_id, owner_id: owner_id, uid: uid }.compact
  signing_input = [{ alg: "ES512" }, { **ids, iat: now, exp: now + 300 }].map { |part| base64url(JSON.generate(part)) }.join(".")
  der = private_key(private_jwk).sign("SHA512", signing_input)
  # RFC 7518 section 3.4: r and s side by side, 66 bytes each. OpenSSL gives them as DER.
  signature = OpenSSL::ASN1.decode(der).value.map { |number| number.value.to_s(2).rjust(66, "\0") }.join
  "#{signing_input}.#{base64url(signature)}"
end

# RFC 5915: a P-521 private key as OpenSSL reads it.
def private_key(jwk)
  d = jwk["d"].tr("-_", "+/").unpack1("m")
  OpenSSL::PKey::EC.new(["30500201010442"].pack("H*") + d + ["a00706052b81040023"].pack("H*"))
end

def base64url(octets)
  [octets].pack("m0").tr("+/", "-_").delete("=")
end

if $PROGRAM_NAME == __FILE__
  abort "usage: sign.rb DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]" unless ARGV.length.between?(3, 4)
  puts sign_deployment(JSON.parse(ENV.fetch("DEPLOYMENT_KEY")), *ARGV)
end
