//! Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.
//!
//!     IDENTITY_SECRET=... cargo run --bin sign -- CP_ID CP_DEPLOYMENT_ID [EMAIL]
//!
//! Sign anew for each page view: a signature is good once, for a minute.
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::{base64, hash::MessageDigest, pkey::PKey, rand::rand_bytes, sign::Signer};

/// `email`: exactly as the page passes it in customerInfo; empty for an anonymous user.
pub fn sign_identity(
    secret: &str,
    cp_id: &str,
    cp_deployment_id: &str,
    email: &str,
) -> Result<String, Box<dyn Error>> {
    let mut random = [0; 16];
    rand_bytes(&mut random)?;
    let nonce: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let text = format!("{timestamp}:{cp_id}:{cp_deployment_id}:{email}:{nonce}");
    let key = PKey::hmac(&decode_secret(secret)?)?;
    let mac = Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(text.as_bytes())?;
    Ok(format!(
        "{timestamp}:{}:{nonce}",
        base64::encode_block(&mac)
    ))
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
    let (cp_id, cp_deployment_id, email) = match args.as_slice() {
        [cp_id, cp_deployment_id] => (cp_id, cp_deployment_id, ""),
        [cp_id, cp_deployment_id, email] => (cp_id, cp_deployment_id, email.as_str()),
        _ => return Err("usage: sign CP_ID CP_DEPLOYMENT_ID [EMAIL]".into()),
    };
    let secret = std::env::var("IDENTITY_SECRET")?;
    println!(
        "{}",
        sign_identity(&secret, cp_id, cp_deployment_id, email)?
    );
    Ok(())
}
