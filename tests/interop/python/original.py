"""The code that the original prints for its clients, letter for letter, but for the two values that it says to insert."""

# fmt: off
# ruff: noqa: I001
import json
import sys

from jwcrypto import jwk, jwe

inserted = json.load(sys.stdin)

# ATTENTION: Insert your nested JWT (that you received from the Signicat Authentication REST API) here.
jwe_serialized = inserted["jwe_serialized"]

# For the sake of simplicity in this example, the JWKs have been manually loaded into a dictionary.
# In practice, you should do this in a secure manner. The jwe_private_key should be stored securely on your premises.
jwe_private_key = inserted["jwe_private_key"]

# Loading JWK key
jwk_jwe_private_key = jwk.JWK()
jwk_jwe_private_key.import_key(**jwe_private_key)

jwetoken = jwe.JWE()
jwetoken.deserialize(jwe_serialized)
jwetoken.decrypt(jwk_jwe_private_key)

payload = jwetoken.payload.decode('unicode_escape')
print(payload)
