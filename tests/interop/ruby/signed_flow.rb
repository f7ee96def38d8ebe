require 'openssl'
require 'base64'

def sign_customer_reference(api_secret:, customer_reference:)
  digest =
    OpenSSL::HMAC.digest(
      OpenSSL::Digest.new('SHA256'),
      api_secret,
      customer_reference
    )

  return Base64.strict_encode64(digest)
end

signature = sign_customer_reference(
  api_secret: 'live_secret_abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234',
  customer_reference: "3a409367-a417-4d46-9a92-3d7bc5dc4605"
)

puts signature # => yw0hqBPOIWcHPFZBsaMPnxktOrWwWkZcWP+TneV5D48=
