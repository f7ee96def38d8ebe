# A customer's Ruby backend at the flow door, which signs its requests as clients of the original do: `date digest (request-target)`.
# Reads one JSON object, makes the calls that it lists, writes what they were answered.
require "base64"
require "json"
require "net/http"
require "openssl"
require "time"

class FlowClient
  def initialize(url:, key_id:, secret:, now:)
    @url, @key_id, @secret, @now = URI(url), key_id, secret, now
  end

  def call(method, path, body)
    request = Net::HTTP.const_get(method.capitalize).new(path)
    content = body.nil? ? "" : JSON.generate(body)
    request.body = content unless body.nil?
    request["Content-Type"] = "application/vnd.api+json"
    request["Cognito-Version"] = "2020-08-14"
    request["Date"] = Time.at(@now).httpdate
    request["Digest"] = "SHA-256=#{Digest::SHA256.base64digest(content)}"
    request["Authorization"] = authorization(request)
    answer = Net::HTTP.start(@url.host, @url.port) { |http| http.request(request) }
    { "status" => answer.code.to_i, "body" => JSON.parse(answer.body) }
  end

  private

  def authorization(request)
    signed = ["date: #{request["Date"]}", "digest: #{request["Digest"]}", "(request-target): #{request.method.downcase} #{request.path}"]
    signature = Base64.strict_encode64(OpenSSL::HMAC.digest(OpenSSL::Digest.new("SHA256"), @secret, signed.join("\n")))
    %(Signature keyId="#{@key_id}",algorithm="hmac-sha256",headers="date digest (request-target)",signature="#{signature}")
  end
end

given = JSON.parse($stdin.read)
client = FlowClient.new(url: given["url"], key_id: given["key_id"], secret: given["secret"], now: given["now"])
puts JSON.generate(given["calls"].map { |method, path, body| client.call(method, path, body) })
