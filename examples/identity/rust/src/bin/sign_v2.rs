//! Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.
//!
//!     IDENTITY_SECRET=... IDENTITY_KEY_ID=... cargo run --bin sign_v2 -- CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...
//!
//! Sign anew for each page view: a signature is good once, for a minute.
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::{
    base64, hash::MessageDigest, pkey::PKey, rand::rand_bytes, sha::sha256, sign::Signer,
};
use serde_json::to_string;

/// A secret and its key id, as they were shown when the secret was made.
pub struct Secret<'a> {
    pub text: &'a str,
    pub key_id: &'a str,
}

/// `fields`: all of customerInfo, and page and locale if the page passes them. `origin`: of the page; empty for any.
pub fn sign_identity_v2(
    secret: &Secret,
    cp_id: &str,
    cp_deployment_id: &str,
    fields: &BTreeMap<String, String>,
    origin: &str,
) -> Result<String, Box<dyn Error>> {
    let mut random = [0; 16];
    rand_bytes(&mut random)?;
    let nonce = hex(&random);
    let timestamp = SystemTime::now()
        .duration_since(UNIX_EPOCH)?
        .as_secs()
        .to_string();
    // RFC 8785: sorted by name. Browsers post the line ends of a form as CR LF; what is empty counts as absent.
    let present = fields.iter().filter(|(_, value)| !value.is_empty());
    let texts: BTreeMap<_, _> = present
        .map(|(name, value)| (name, value.replace("\r\n", "\n").replace('\r', "\n")))
        .collect();
    let digest = hex(&sha256(to_string(&texts)?.as_bytes()));
    let email = fields.get("email").map_or("", String::as_str);
    let signed = [
        "accredit-identity-v2",
        secret.key_id,
        &timestamp,
        &nonce,
        cp_id,
        cp_deployment_id,
        email,
        &digest,
        origin,
    ];
    let key = PKey::hmac(&decode_secret(secret.text)?)?;
    let mac = Signer::new(MessageDigest::sha256(), &key)?
        .sign_oneshot_to_vec(to_string(&signed)?.as_bytes())?;
    let mac = base64::encode_block(&mac)
        .replace('+', "-")
        .replace('/', "_");
    Ok([
        "v2",
        secret.key_id,
        &timestamp,
        &nonce,
        mac.trim_end_matches('='),
    ]
    .join("."))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The octets of a secret.
fn decode_secret(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let key = base64::decode_block(text)?;
    if key.len() < 16 {
        return Err("that is not the secret".into());
    }
    Ok(key)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (cp_id, cp_deployment_id, origin, pairs) = match args.as_slice() {
        [cp_id, cp_deployment_id, origin, pairs @ ..] => (cp_id, cp_deployment_id, origin, pairs),
        _ => return Err("usage: sign_v2 CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...".into()),
    };
    let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
    let fields = pairs
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let (text, key_id) = (
        std::env::var("IDENTITY_SECRET")?,
        std::env::var("IDENTITY_KEY_ID")?,
    );
    let secret = Secret {
        text: &text,
        key_id: &key_id,
    };
    println!(
        "{}",
        sign_identity_v2(&secret, cp_id, cp_deployment_id, &fields, origin)?
    );
    Ok(())
}
