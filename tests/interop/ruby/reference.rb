# Customer references as a customer's Ruby backend signs them, with the code that the original prints: ruby -r ./signed_flow.rb reference.rb
require "json"

given = JSON.parse($stdin.read)
signatures = given["references"].map do |reference|
  sign_customer_reference(api_secret: given["secret"], customer_reference: reference)
end
puts JSON.generate(signatures)
