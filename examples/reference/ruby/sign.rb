# Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.
#
#     REFERENCE_SECRET=... ruby sign.rb CUSTOMER_REFERENCE
#
# Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
require "openssl"

UNFIT = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

# customer_reference: exactly as the page passes it, unique and for good; at most 255 bytes.
def sign_reference(secret, customer_reference)
  reference = customer_reference.encode("UTF-8")
  # A line break in it could make the signature one of an API request.
  fit = reference.valid_encoding? && reference.bytesize.between?(1, 255) && !reference.match?(UNFIT)
  raise ArgumentError, "that is no customer reference" unless fit

  [OpenSSL::HMAC.digest("SHA256", read_secret(secret), reference)].pack("m0")
end

# The key is the text as it was shown, with all that it begins with.
def read_secret(secret)
  secret.tap { |text| raise ArgumentError, "that is not the secret" unless text.match?(/\A[!-~]{32,128}\z/) }
end

if $PROGRAM_NAME == __FILE__
  abort "usage: sign.rb CUSTOMER_REFERENCE" unless ARGV.length == 1
  puts sign_reference(ENV.fetch("REFERENCE_SECRET"), *ARGV)
end
